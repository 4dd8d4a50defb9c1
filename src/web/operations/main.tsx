import "uplot/dist/uPlot.min.css";
import "../theme.css";
import "./operations.css";
import "./tables.css";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App />);
