// The smoke test as a job of a deployment: it is bundled beside the gateway, and runs from the release's own artifact.
import "../../../test/smoke.mjs";
