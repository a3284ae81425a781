import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { metricsPage } from "../src/base/telemetry/metricsPage.ts"

writeFileSync(join(import.meta.dirname, "../../docs/reference/metrics.md"), metricsPage())
