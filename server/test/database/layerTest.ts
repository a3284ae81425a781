import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { type DatabaseOptions, layer } from "../../src/base/database/Database.ts"
import { RowScope } from "../../src/base/database/RowScope.ts"
import { withMadeDatabase } from "./madeDatabase.ts"

/** A data folder for this scope. */
export const temporaryDataDir = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "maxcloud-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** The same with a copy of the run's database, so that a server starts there without `initdb`. */
export const madeDataDir = Effect.map(temporaryDataDir, withMadeDatabase)

/** A test's own statements see all rows, as the server's own work does, unless they say otherwise. */
export const allRows = Layer.succeed(RowScope, "*")

/** A real database for a test that sees all rows. */
export const databaseTest = (options: DatabaseOptions) => Layer.merge(layer(options), allRows)

/** One in a folder that is removed at the end. */
export const layerTest = Layer.unwrapScoped(Effect.map(madeDataDir, (dataDir) => databaseTest({ dataDir })))
