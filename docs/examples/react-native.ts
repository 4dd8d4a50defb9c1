import { fetch as expoFetch } from "expo/fetch";
import { connect } from "progress-hub/client";
import { AppState } from "react-native";

const fetchToken = async () => (await fetch("https://app.example.com/token")).text();

export const progress = connect({
  url: "https://hub.example.com",
  token: fetchToken,
  // Expo. With React Native alone, in place of this line: transports: ["websocket", "polling"],
  fetch: expoFetch as unknown as typeof fetch,
});

AppState.addEventListener("change", (state) => {
  if (state === "active") progress.wake();
});
