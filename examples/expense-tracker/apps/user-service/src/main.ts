import { runUntilSignalled } from "@tally/http/service";
import { startUserService } from "./service.ts";

await runUntilSignalled(startUserService);
