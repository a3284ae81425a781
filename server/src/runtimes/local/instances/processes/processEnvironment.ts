import { existsSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { markerName } from "../../../../base/host/processTable.ts"
import { closedTo, type UnprivilegedUser } from "../../../../base/host/sourceUser.ts"
import type { InstanceSpec } from "../Instance.ts"
import { variablesOf } from "../words.ts"
import type { ProgramPlace } from "./ProgramPlace.ts"

/** A process's environment: its declared variables, and nothing of the server's. */
export const processEnvironment = (input: {
  readonly spec: Pick<InstanceSpec, "env">
  readonly place: ProgramPlace
  /** Its HOME and TMPDIR. */
  readonly home: string
  readonly port: number
  readonly marker: string
  /** The folder with a Node that the user may run. */
  readonly node: string
  readonly user: UnprivilegedUser | undefined
}): Record<string, string> => {
  const { home, marker, node, place, port, spec, user } = input
  const { folder, shell } = place
  /** A search on the PATH that encounters a closed folder ends with "permission denied" instead of "not found". */
  const isOpen = (path: string) => user === undefined || (existsSync(path) && closedTo(user, path) === undefined)
  const programs = place.path ?? [join(folder, "node_modules/.bin")]
  const path = [
    ...(shell === undefined ? [node, ...programs] : [...programs, ...shell.path.filter(isOpen), node]),
    ...[dirname(process.execPath)].filter(isOpen),
    "/usr/local/bin",
    "/usr/bin",
    "/bin"
  ]
  return {
    PATH: path.join(delimiter),
    HOME: (user === undefined ? shell?.home : undefined) ?? home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    ...place.environment,
    ...Object.fromEntries(variablesOf(spec, port)),
    [markerName]: marker
  }
}
