import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import { keepDoing } from "../node/keepDoing.ts"
import { type DiskWatch, makeDiskWatch } from "./DiskWatch.ts"

export interface DiskOptions {
  readonly dataDir: string
  /** Bytes that must stay free; 0: no minimum. */
  readonly minFreeDisk: number
  /** Is the database in the data folder, too? It may be on a disk of its own. */
  readonly embedded: boolean
}

/**
 * The disks that the server writes to. Below a low-water mark, all writes that can wait stop: uploads are refused,
 * builds and installations abort, log lines are dropped. So the database on the same disk can still write. It recovers
 * by itself.
 */
export class Disk extends Context.Tag("@maxcloud/server/Disk")<Disk, DiskWatch>() {
  static readonly layer = ({ dataDir, embedded, minFreeDisk }: DiskOptions): Layer.Layer<Disk> =>
    Layer.scoped(
      Disk,
      Effect.gen(function* () {
        const data = { name: "the server's data folder", path: dataDir }
        const watch = makeDiskWatch({
          folders: embedded ? [data, { name: "the server's database", path: join(dataDir, "postgres") }] : [data],
          minFreeBytes: minFreeDisk
        })
        let told: string | undefined
        const look = Effect.promise(watch.look).pipe(
          Effect.flatMap((problem) => {
            if (problem?.message === told) return Effect.void
            told = problem?.message
            return problem === undefined
              ? Effect.logInfo("The disk accepts writes again.")
              : Effect.logWarning(`${problem.message} Folder: ${problem.path}`)
          })
        )
        yield* keepDoing("free space of the disk", "1 second", look)
        return watch
      })
    )
}
