import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { cliReference, summariesModule } from "./reference.ts"

const folder = join(import.meta.dirname, "../../docs/reference")
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, "cli.md"), await cliReference())
writeFileSync(join(import.meta.dirname, "../src/summaries.ts"), await summariesModule())
