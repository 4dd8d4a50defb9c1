import { createContext, createElement, type ReactElement, type ReactNode, useContext } from "react";
import type { Progress } from "../connect.ts";

const ProgressContext = createContext<Progress | null>(null);

export interface ProgressProviderProps {
  /** What `connect` gave. Whoever made it closes it: the same one may serve several trees, and outlive them. */
  readonly progress: Progress;
  readonly children?: ReactNode;
}

/** Gives all hooks below it the connection that they show. */
export function ProgressProvider({ progress, children }: ProgressProviderProps): ReactElement {
  return createElement(ProgressContext.Provider, { value: progress }, children);
}

/** The connection itself. Throws an Error where there is no ProgressProvider above. */
export function useProgress(): Progress {
  const progress = useContext(ProgressContext);
  if (progress === null) throw new Error("there is no ProgressProvider above: wrap the tree in one");
  return progress;
}
