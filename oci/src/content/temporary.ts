import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { diskError } from "./diskError.ts"

/** A folder for what is unpacked or compressed, removed with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "maxcloud-image-")),
    catch: (cause) => diskError(cause, `make a folder in ${tmpdir()}`)
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)
