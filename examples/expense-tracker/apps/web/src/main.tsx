import { createRoot } from "react-dom/client";
import { createApi } from "./api.ts";
import { App } from "./app.tsx";
import { readEnvironment } from "./environment.ts";
import "./style.css";

const environment = await readEnvironment();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App api={createApi(environment.API_URL)} environment={environment} />);
if ("serviceWorker" in navigator && import.meta.env.PROD) void navigator.serviceWorker.register("/sw.js");
