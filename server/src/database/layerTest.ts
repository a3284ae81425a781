import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { layer } from "./Database.ts"

/** A data folder of this scope's own. */
export const temporaryDataDir = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "maxcloud-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** A real database, embedded in a folder that is removed at the end. */
export const layerTest = Layer.unwrapScoped(Effect.map(temporaryDataDir, (dataDir) => layer({ dataDir })))
