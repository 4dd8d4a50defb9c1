// As much of them as the example needs: neither is a dependency.

declare module "react-native" {
  export const AppState: {
    addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
  };
}

declare module "expo/fetch" {
  export function fetch(url: string, init?: object): Promise<object>;
}
