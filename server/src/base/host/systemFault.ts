/** The resource that a machine or a database has run out of, or the kind of its refusal. */
export type FaultKind =
  | "diskFull"
  | "diskQuota"
  | "diskReadOnly"
  | "diskFails"
  | "diskGone"
  | "fileSize"
  | "descriptors"
  | "processes"
  | "memory"
  | "permission"
  | "connections"
  | "limit"
  | "timeLimit"
  | "inTheWay"
  | "readOnly"
  | "restarting"
  | "damaged"

/** A fault of the machine or the database, described for people. */
export interface SystemFault {
  readonly kind: FaultKind
  /** The source: the system with its error code, or the database with its SQLSTATE. */
  readonly from: "system" | "database"
  /** One sentence. `place`: the affected thing, such as the path of a folder. */
  readonly what: (place: string) => string
  /** One sentence: the fix. */
  readonly fix: string
  /** Does it pass by itself, so that a retry soon works? Otherwise somebody has to fix it. */
  readonly passes: boolean
}

type Words = Omit<SystemFault, "from">

const lasting = (kind: FaultKind, what: Words["what"], fix: string): Words => ({ kind, what, fix, passes: false })
const passing = (kind: FaultKind, what: Words["what"], fix: string): Words => ({ kind, what, fix, passes: true })

const diskFull = lasting(
  "diskFull",
  (place) => `The disk of ${place} is full.`,
  "Free some space on it. The server then recovers by itself."
)
const diskQuota = lasting(
  "diskQuota",
  (place) => `The disk quota for ${place} is used up.`,
  "Free some space, or raise the quota of the server's user. The server then recovers by itself."
)
const diskReadOnly = lasting(
  "diskReadOnly",
  (place) => `The disk of ${place} is mounted read-only.`,
  "Look for disk errors in the system's log (`dmesg`), then mount it for writing again."
)
const diskFails = lasting(
  "diskFails",
  (place) => `The disk of ${place} has input/output errors.`,
  "Check the system's log (`dmesg`), and replace the disk if it's broken."
)
const diskGone = lasting(
  "diskGone",
  (place) => `The file system of ${place} is gone.`,
  "Mount it again, then restart the server."
)
const fileSize = lasting(
  "fileSize",
  (place) => `A file of ${place} can't grow any further.`,
  "Raise the file size limit (`ulimit -f`), or use another file system."
)
const ownDescriptors = lasting(
  "descriptors",
  (place) => `All file descriptors of ${place} are in use.`,
  "Raise the limit (`ulimit -n`, `LimitNOFILE=` of systemd, `--ulimit nofile` of a container) and restart the server."
)
const allDescriptors = lasting(
  "descriptors",
  () => "All file descriptors of this machine are in use.",
  "Stop programs that hold many files open, or raise the limit (`sysctl fs.file-max`)."
)
const processes = lasting(
  "processes",
  (place) => `The system can't start more processes or threads for ${place}.`,
  "Raise the limit (`ulimit -u`, `TasksMax=` of systemd, `--pids-limit` of a container), or stop other processes of that user."
)
const memory = lasting(
  "memory",
  (place) => `The system has no memory left for ${place}.`,
  "Stop other programs, or give the machine or the container more memory."
)
const permission = lasting(
  "permission",
  (place) => `The server's user has no access to ${place}.`,
  "Give the folder to that user (`chown`), or start the server as the user who owns it."
)

const ofSystem: Readonly<Record<string, Words>> = {
  ENOSPC: diskFull,
  EDQUOT: diskQuota,
  EROFS: diskReadOnly,
  EIO: diskFails,
  ENODEV: diskGone,
  ENXIO: diskGone,
  ESTALE: diskGone,
  EFBIG: fileSize,
  EMFILE: ownDescriptors,
  ENFILE: allDescriptors,
  ENOMEM: memory,
  EACCES: permission,
  EPERM: permission
}

const restoreIt =
  "Check for more damage: `maxcloud server check`. Then stop the server and restore the last backup: `maxcloud server restore --set-aside`."

/** By SQLSTATE (PostgreSQL, appendix A), the longer prefix first. */
const ofDatabase: ReadonlyArray<readonly [prefix: string, words: Words]> = [
  ["53100", diskFull],
  ["53200", memory],
  [
    "53300",
    passing(
      "connections",
      (place) => `All connections of ${place} are in use.`,
      "Send the request again. If it persists, raise the database's `max_connections` or lower MAXCLOUD_DATABASE_POOL."
    )
  ],
  [
    "53",
    passing(
      "limit",
      (place) => `${capital(place)} has reached a limit.`,
      "Send the request again. See the database's log for details."
    )
  ],
  [
    "57014",
    passing(
      "timeLimit",
      (place) => `A statement exceeded the time limit of ${place}.`,
      "Send the request again. If it persists, raise MAXCLOUD_STATEMENT_TIMEOUT."
    )
  ],
  ["57P", passing("restarting", (place) => `${capital(place)} is starting or stopping.`, "Send the request again.")],
  ["58030", diskFails],
  ["58P01", lasting("damaged", (place) => `A file of ${place} is missing.`, restoreIt)],
  ["XX001", lasting("damaged", (place) => `Data of ${place} is damaged on disk.`, restoreIt)],
  [
    "XX002",
    lasting(
      "damaged",
      (place) => `An index of ${place} is damaged on disk.`,
      "Rebuild it (`reindex database`), or restore the last backup: `maxcloud server restore --set-aside`."
    )
  ],
  [
    "25006",
    passing(
      "readOnly",
      (place) => `${capital(place)} is read-only.`,
      "Point DATABASE_URL at the primary, or end its read-only mode."
    )
  ],
  ["25P03", passing("timeLimit", (place) => `A transaction of ${place} waited too long.`, "Send the request again.")],
  ["55P03", passing("inTheWay", (place) => `A lock of ${place} was held by others.`, "Send the request again.")],
  [
    "40",
    passing(
      "inTheWay",
      (place) => `${capital(place)} aborted a transaction in favor of another.`,
      "Send the request again."
    )
  ]
]

/** Messages as programs write them: C's texts, Node's codes. More specific ones come first. */
const inTexts: ReadonlyArray<readonly [RegExp, Words]> = [
  [/\bENOSPC\b|No space left on device/i, diskFull],
  [/\bEDQUOT\b|Disk quota exceeded/i, diskQuota],
  [/\bEROFS\b|Read-only file system/i, diskReadOnly],
  [/\bENFILE\b|Too many open files in system/i, allDescriptors],
  [/\bEMFILE\b|Too many open files/i, ownDescriptors],
  [
    /\b(?:spawn|spawnSync|fork)\b[^\n]{0,200}(?:\bEAGAIN\b|Resource temporarily unavailable)|failed to create new OS thread|can't start new thread|pthread_create[^\n]{0,40}(?:Resource temporarily unavailable|failed)|uv_thread_create/i,
    processes
  ],
  [/\bENOMEM\b|Cannot allocate memory/i, memory],
  [/\bEIO\b|Input\/output error/i, diskFails]
]

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

const property = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

/** An error and its causes, outermost first: `cause`, and the parts of an `AggregateError`. */
function* chainOf(cause: unknown, depth = 0): Generator<unknown> {
  if (depth > 8 || typeof cause !== "object" || cause === null) return
  yield cause
  yield* chainOf(property(cause, "cause"), depth + 1)
  const parts = property(cause, "errors")
  if (Array.isArray(parts)) for (const part of parts.slice(0, 8)) yield* chainOf(part, depth + 1)
}

const isSqlState = (code: string) => /^(?!E[A-Z])[0-9A-Z]{5}$/.test(code)

const wordsOf = (error: unknown): SystemFault | undefined => {
  const code = property(error, "code")
  const message = property(error, "message")
  if (typeof code !== "string") return undefined
  if (isSqlState(code)) {
    const found = ofDatabase.find(([prefix]) => code.startsWith(prefix))?.[1]
    // Postgres has one state for everything that permissions forbid, and for some files that it can't open.
    const told = /^(42501|53000|58|XX)/.test(code) && typeof message === "string" ? faultInText(message) : undefined
    return told === undefined ? found && { ...found, from: "database" } : { ...told, from: "database" }
  }
  const isStart = /^(spawn|fork|uv_thread_create)/.test(String(property(error, "syscall") ?? ""))
  if (code === "EAGAIN") return isStart ? { ...processes, from: "system" } : undefined
  // If a program can't be started, its caller reports it.
  if (isStart && (code === "EACCES" || code === "EPERM")) return undefined
  const words = Object.hasOwn(ofSystem, code) ? ofSystem[code] : undefined
  return words && { ...words, from: "system" }
}

/** The fault in a program's output. */
export const faultInText = (text: string): SystemFault | undefined => {
  const words = inTexts.find(([pattern]) => pattern.test(text))?.[1]
  return words && { ...words, from: "system" }
}

/** The machine's or database's fault, by the error code of an error or one of its causes. */
export const systemFaultOf = (cause: unknown): SystemFault | undefined => {
  for (const error of chainOf(cause)) {
    const fault = wordsOf(error)
    if (fault !== undefined) return fault
  }
  return undefined
}

const placeOf = ({ from, kind }: SystemFault) =>
  from === "database" ? "the database" : kind === "permission" ? "its files" : "the server"

/**
 * Describes a fault in two sentences: the problem with its place, and the fix. `place` is a path, or words such as `the
 * database`.
 */
export const faultText = (fault: SystemFault, place: string = placeOf(fault)): string =>
  `${fault.what(place)} ${fault.fix}`

/** An error's text: that of its fault, or else its own message. */
export const errorText = (cause: unknown, place?: string): string => {
  const fault = systemFaultOf(cause)
  if (fault !== undefined) return faultText(fault, place)
  for (const error of chainOf(cause)) {
    const message = property(error, "message")
    if (typeof message === "string" && message !== "") return message
  }
  return typeof cause === "object" || typeof cause === "function" ? "No details are available." : String(cause)
}

/** The number of seconds after which a retry makes sense. */
export const retryAfterSecondsOf = (fault: SystemFault | undefined): number => (fault?.passes === false ? 30 : 1)
