import { runUntilSignalled } from "@tally/http/service";
import { startExpenseService } from "./service.ts";

await runUntilSignalled(startExpenseService);
