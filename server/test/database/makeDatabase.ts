import { renameSync } from "node:fs"
import { Effect, Layer } from "effect"
import { layer } from "../../src/base/database/Database.ts"

/**
 * Creates a data folder with a migrated, stopped database: `node makeDatabase.ts <folder>`. The folder appears only once it is
 * complete.
 */
const [folder = ""] = process.argv.slice(2)
const draft = `${folder}.new`
await Effect.runPromise(Effect.scoped(Layer.build(layer({ dataDir: draft }))))
renameSync(draft, folder)
