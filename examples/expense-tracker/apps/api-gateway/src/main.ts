import { runUntilSignalled } from "@tally/http/service";
import { startGateway } from "./service.ts";

await runUntilSignalled(startGateway);
