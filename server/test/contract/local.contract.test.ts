import { contractTests } from "./contract.ts"
import { startLocalHarness } from "./localHarness.ts"

contractTests("the local runtime", startLocalHarness)
