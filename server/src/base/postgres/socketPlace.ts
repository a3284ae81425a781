import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import type { Launcher } from "./launcher.ts"
import { socketName } from "./listensIn.ts"
import { ownFolder } from "./ownFolder.ts"
import { postmaster } from "./postmaster.ts"
import { mayEnter } from "./programs.ts"
import { shortNameOf } from "./shortName.ts"

export interface SocketPlace {
  /** The host for connections: a folder, by its name in this process. */
  readonly socketFolder: string
  readonly isTemporary: boolean
  readonly socketFile: string
}

/** For a path that's too long, on systems without a shorter name for the folder. */
const temporarySocketFolder = (name: string, folder: string, launcher: Launcher) =>
  ownFolder(
    join(
      [process.env["XDG_RUNTIME_DIR"] ?? "", tmpdir(), "/tmp"].find(
        (value) =>
          value !== "" && existsSync(value) && (launcher.owner === undefined || mayEnter(value, launcher.owner))
      ) ?? tmpdir(),
      name
    ),
    launcher,
    dirname(folder)
  )

export const socketPlaceOf = (folder: string, launcher: Launcher): SocketPlace => {
  const temporaryName = `maxcloud-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`
  // A running one may have been started with another temporary folder than this process has.
  const socketFolder =
    shortNameOf(folder) ??
    postmaster(join(folder, "data"))?.socketFolder ??
    temporarySocketFolder(temporaryName, folder, launcher)
  const isTemporary = basename(socketFolder) === temporaryName
  return { socketFolder, isTemporary, socketFile: join(isTemporary ? socketFolder : folder, socketName) }
}

/** The places of Postgres's sockets. One is always in the data folder, where other containers can see it. */
export const socketNames = (folder: string, { isTemporary, socketFolder }: SocketPlace, launcher: Launcher) => {
  const data = join(folder, "data")
  if (isTemporary) return `${ownFolder(socketFolder, launcher, dirname(folder))},..`
  // Relative to the data folder if the absolute path is too long, or leads through a closed folder.
  return shortNameOf(folder) === folder && launcher.nameOf(data) === data ? folder : ".."
}
