import { realpath, stat } from "node:fs/promises"
import { join, sep } from "node:path"
import { Effect } from "effect"
import { OciError, ociError } from "../OciError.ts"
import { type Content, fileContent } from "./Content.ts"
import { diskError } from "./diskError.ts"

/** Finds a file of an archive or a folder; undefined: there's none. */
export type FindFile = (name: string) => Effect.Effect<Content | undefined, OciError>

/** The files of a folder. A link may not lead out of it: pushing somebody else's folder would publish one's own files. */
export const folderFiles =
  (folder: string): FindFile =>
  (name) =>
    Effect.tryPromise({
      try: async () => {
        const root = await realpath(folder)
        const path = await realpath(join(root, name))
        if (!path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
          throw ociError("invalid", `${join(folder, name)} leads out of its folder`, "replace the link with the file")
        const status = await stat(path)
        if (!status.isFile()) throw ociError("invalid", `${join(folder, name)} isn't a file`)
        return fileContent(path, 0, status.size)
      },
      catch: (cause) => (cause instanceof OciError ? cause : diskError(cause, `read ${join(folder, name)}`))
    }).pipe(
      Effect.catchIf(
        (error) => error.reason === "missing",
        () => Effect.succeed(undefined)
      )
    )
