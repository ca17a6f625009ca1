// Starts the page: one live journal, one tree.
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { Live } from "./live.ts";
import { remembered, show } from "./theme.ts";

show(remembered());
const live = new Live();
live.connect();
const page = document.getElementById("page");
if (page !== null) createRoot(page).render(<App live={live} />);
