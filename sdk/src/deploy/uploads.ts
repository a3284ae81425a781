import { Readable } from "node:stream"
import { Effect } from "effect"
import { type CallError, NotReachable, SourceInvalid } from "../errors.ts"
import type { Snapshot } from "../source/snapshot.ts"
import type { Connection } from "../transport/connection.ts"

/** The connection was established, and then broke. */
const isBroken = ({ code, proxy }: NotReachable) =>
  proxy === undefined && /^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|ERR_STREAM_PREMATURE_CLOSE)$/.test(code)

/** If a server refuses an upload early, its response says why. If that response was lost, retry: the next one is often the same. */
const whileUploading = ({ apiUrl, code }: NotReachable) => new NotReachable({ apiUrl, code, uploading: true })

/** Checks for and uploads snapshots of sources. */
export const uploadsOf = ({ call, open }: Connection, api: Effect.Effect.Success<Connection["api"]>) => {
  const isThere = (snapshot: Snapshot) =>
    call(api.sources.get({ path: { digest: snapshot.digest } })).pipe(
      Effect.as(true),
      Effect.catchTag("NotFound", () => Effect.succeed(false))
    )

  const upload = (snapshot: Snapshot): Effect.Effect<void, CallError | SourceInvalid> =>
    Effect.suspend(() => {
      const archive = snapshot.archive()
      let broken: SourceInvalid | undefined
      archive.on("error", (error) => {
        if (error instanceof SourceInvalid) broken = error
      })
      const sent = open(`/api/v1/sources/${snapshot.digest}`, {
        method: "PUT",
        headers: { "content-type": "application/gzip" },
        body: Readable.toWeb(archive),
        duplex: "half"
      }).pipe(
        Effect.asVoid,
        Effect.mapError((error) => broken ?? error),
        Effect.ensuring(Effect.sync(() => archive.destroy())),
        Effect.scoped
      )
      return Effect.catchTag(sent, "NotReachable", (error) =>
        isBroken(error)
          ? Effect.flatMap(isThere(snapshot), (there) => (there ? Effect.void : whileUploading(error)))
          : error
      )
    })

  return { isThere, upload }
}
