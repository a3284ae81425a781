import { renameSync } from "node:fs"
import { Effect, Layer } from "effect"
import { layer } from "../../src/base/database/Database.ts"

/** Makes a data folder whose database is migrated and stopped: `node makeDatabase.ts <folder>`. The folder is there once it is whole. */
const [folder = ""] = process.argv.slice(2)
const draft = `${folder}.new`
await Effect.runPromise(Effect.scoped(Layer.build(layer({ dataDir: draft }))))
renameSync(draft, folder)
