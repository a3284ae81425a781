import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { endOnAbort } from "../host/endOnAbort.ts"
import { hostEnvironment } from "../host/hostEnvironment.ts"
import { isRunning, programOf, startOf } from "../host/processIdentity.ts"
import { codeOf, DatabaseError, explain } from "./DatabaseError.ts"
import { damaged, damageIn } from "./damage.ts"
import { type Launcher, makeLauncher } from "./launcher.ts"
import { listensIn, socketName } from "./listensIn.ts"
import { mayEnter } from "./programs.ts"
import { forgetShortName, shortNameOf } from "./shortName.ts"
import { wayBack } from "./wayBack.ts"

/** A Postgres of the data folder's own, reached by a Unix socket only. */
export interface EmbeddedPostgres {
  /** What a connection has as its host: a folder, as this process may call it. */
  readonly socketFolder: string
  readonly password: string
  /** Starts it, or takes over one that a killed server has left; one that is deaf is ended first. */
  readonly start: () => Promise<void>
  readonly isRunning: () => boolean
  /**
   * How it is, once it was started. `deaf`: it runs, and can't be reached any more, since somebody removed its socket, its lock file or its
   * programs. `gone`: its data folder was removed, or another one is in its place.
   */
  readonly look: () => "runs" | "ended" | "deaf" | "gone"
  /** Ends its connections, writes what is open, and stops. */
  readonly stop: () => Promise<void>
}

/** The role that owns the tables. */
export const ownerRole = "maxcloud_owner"

/** Small: it shares a developer's machine with what is developed. Parameters are never logged. */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: "",
  max_connections: "30",
  shared_buffers: "16MB",
  max_wal_size: "128MB",
  min_wal_size: "16MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_worker_processes: "2",
  max_parallel_workers: "0",
  max_logical_replication_workers: "0",
  autovacuum_max_workers: "1",
  autovacuum_worker_slots: "2",
  io_method: "sync",
  jit: "off",
  huge_pages: "off",
  log_min_error_statement: "panic",
  log_min_messages: "warning",
  timezone: "UTC",
  log_timezone: "UTC"
}

/** The process that a data folder's pid file names, if it runs. */
export const postmaster = (data: string) => {
  try {
    const lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")
    const pid = Number(lines[0])
    if (!Number.isInteger(pid) || pid <= 1 || !isRunning(pid)) return undefined
    const socket = lines[4]?.trim() ?? ""
    // It may be written as seen from the data folder.
    return { pid, ready: lines[7]?.trim() === "ready", socketFolder: socket === "" ? undefined : resolve(data, socket) }
  } catch (cause) {
    // A file that can't be read (no descriptor is free) doesn't say that nothing runs.
    if (codeOf(cause) !== "ENOENT") throw cause
    return undefined
  }
}

const isSame = (one: string, other: Stats | undefined): boolean => {
  const there = statSync(one, { throwIfNoEntry: false })
  return there !== undefined && there.ino === other?.ino && there.dev === other.dev
}

/** Does the process work in this folder? A Postgres works in that of its data. */
const worksIn = (pid: number, folder: string): boolean => {
  try {
    return isSame(`/proc/${pid}/cwd`, statSync(folder, { throwIfNoEntry: false }))
  } catch {
    return false
  }
}

const initdb = (launcher: Launcher, data: string, args: ReadonlyArray<string>): Promise<void> =>
  new Promise((done, failed) => {
    const child = spawn(join(launcher.bin, "initdb"), [`--pgdata=${launcher.nameOf(data)}`, ...args], {
      ...launcher.options(data),
      env: hostEnvironment("postgres"),
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    child.stdout.resume()
    child.stderr.on("data", (chunk) => {
      output += String(chunk)
    })
    child.on("error", failed)
    child.on("close", (code) => (code === 0 ? done() : failed(new Error(output.trim() || `exit code ${code}`))))
  })

/** Prepares `<dataDir>/postgres`; throws a `DatabaseError`. `changed`: parameters of postgresql.conf that are other than ours. */
export const makeEmbeddedPostgres = async (
  dataDir: string,
  changed: Readonly<Record<string, string>> = {}
): Promise<EmbeddedPostgres> => {
  const folder = resolve(dataDir, "postgres")
  const data = join(folder, "data")
  const logFile = join(folder, "postgres.log")
  const passwordFile = resolve(dataDir, "postgres.password")
  const failed = (what: string, output?: string) => (error: unknown) => explain(what, folder, error, output)

  const own = (path: string, launcher: Launcher) => {
    if (launcher.owner !== undefined) chownSync(path, launcher.owner.uid, launcher.owner.gid)
    return path
  }
  const folderOf = (path: string, launcher: Launcher) => {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (statSync(path).uid !== process.getuid?.() && statSync(path).uid !== launcher.owner?.uid) {
      throw new DatabaseError({
        reason: "permission",
        message: `${path} belongs to another user of this machine (uid ${statSync(path).uid}). Start the server as that user, or as root; or give the whole data folder to this user: chown -R ${process.getuid?.()} ${resolve(dataDir)}`
      })
    }
    return own(path, launcher)
  }

  const readPassword = (): string => {
    if (existsSync(passwordFile)) return readFileSync(passwordFile, "utf8").trim()
    if (existsSync(data)) {
      throw new DatabaseError({
        reason: "permission",
        message: `The password of the database in ${folder} is missing. Put ${passwordFile} back from a copy. Without one: ${wayBack(dataDir)}`
      })
    }
    const password = randomBytes(24).toString("hex")
    writeFileSync(`${passwordFile}.new`, `${password}\n`, { mode: 0o600 })
    renameSync(`${passwordFile}.new`, passwordFile)
    return password
  }

  /** What starts that were cut off have left. An `initdb` of theirs may still write into it: then a later start removes it. */
  const clearDrafts = () => {
    for (const name of readdirSync(folder).filter((_) => _.startsWith("data.new"))) {
      try {
        rmSync(join(folder, name), { recursive: true, force: true })
      } catch {
        // It is written to.
      }
    }
  }

  const initialise = async (launcher: Launcher, password: string) => {
    // Made aside and then renamed: a start that is cut off leaves no half of a database. Its name is its own: the `initdb` of a server that
    // was killed goes on for a while.
    const draft = join(folder, `data.new.${randomBytes(4).toString("hex")}`)
    const input = join(folder, "password.new")
    clearDrafts()
    try {
      writeFileSync(input, `${password}\n`, { mode: 0o600 })
      own(input, launcher)
      folderOf(draft, launcher)
      await initdb(launcher, draft, [
        `--username=${ownerRole}`,
        `--pwfile=../${basename(input)}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--wal-segsize=4",
        "--no-instructions"
      ])
      renameSync(draft, data)
    } finally {
      rmSync(input, { force: true })
      clearDrafts()
    }
  }

  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    let launcher = makeLauncher(folder)
    folderOf(folder, launcher)
    const place = statSync(folder)
    const temporaryName = `maxcloud-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`
    /** For a path that is too long, on systems where no shorter name leads to the folder. */
    const temporarySocketFolder = () =>
      folderOf(
        join(
          [process.env["XDG_RUNTIME_DIR"] ?? "", tmpdir(), "/tmp"].find(
            (_) => _ !== "" && existsSync(_) && (launcher.owner === undefined || mayEnter(_, launcher.owner))
          ) ?? tmpdir(),
          temporaryName
        ),
        launcher
      )
    // One that runs was perhaps started with another temporary folder than this process has.
    const socketFolder = shortNameOf(folder) ?? postmaster(data)?.socketFolder ?? temporarySocketFolder()
    const isTemporary = basename(socketFolder) === temporaryName
    const socketFile = join(isTemporary ? socketFolder : folder, socketName)
    const password = readPassword()
    if (!existsSync(data))
      await initialise(launcher, password).catch((error) =>
        Promise.reject(failed("The database cannot be made")(error))
      )

    const awaitReady = async (ended: () => boolean): Promise<boolean> => {
      const deadline = performance.now() + 60_000
      while (performance.now() < deadline) {
        if (postmaster(data)?.ready === true) return true
        if (ended()) return false
        await sleep(10)
      }
      return false
    }

    /** Always one in the data folder, by which other containers see it. */
    const socketNames = () => {
      if (isTemporary) return `${folderOf(socketFolder, launcher)},..`
      // Seen from the folder of its data where its own path is too long, or leads through a closed folder.
      return shortNameOf(folder) === folder && launcher.nameOf(data) === data ? folder : ".."
    }

    /** The one that this process has started or taken over: it's known by this when its files are gone. */
    let known: { readonly pid: number; readonly startedAt: string | undefined } | undefined
    const know = (pid: number) => {
      known = { pid, startedAt: startOf(pid) }
    }
    const knownPid = () =>
      known !== undefined && isRunning(known.pid) && startOf(known.pid) === known.startedAt ? known.pid : undefined

    const look = () => {
      if (!isSame(folder, place) || !existsSync(join(data, "PG_VERSION"))) return "gone"
      const running = postmaster(data)
      if (running === undefined) return knownPid() === undefined ? "ended" : "deaf"
      return !running.ready || (existsSync(socketFile) && existsSync(join(launcher.bin, "postgres"))) ? "runs" : "deaf"
    }

    const end = async (pid: number, signals: ReadonlyArray<readonly [NodeJS.Signals, number]>) => {
      for (const [signal, ms] of signals) {
        process.kill(pid, signal)
        for (const deadline = performance.now() + ms; performance.now() < deadline; await sleep(10)) {
          if (!isRunning(pid)) return
        }
      }
    }
    const inOrder = [
      ["SIGINT", 20_000],
      ["SIGQUIT", 5_000]
    ] as const
    /** Without its data there is nothing to write. */
    const atOnce = [
      ["SIGQUIT", 5_000],
      ["SIGKILL", 5_000]
    ] as const

    const endDeaf = async () => {
      if (look() !== "deaf") return
      const running = postmaster(data)
      const pid = knownPid() ?? (running !== undefined && worksIn(running.pid, data) ? running.pid : undefined)
      if (pid !== undefined) await end(pid, inOrder)
    }

    const launch = async (): Promise<boolean> => {
      if (!existsSync(join(launcher.bin, "postgres"))) launcher = makeLauncher(folder)
      // Its own session: a Ctrl-C in the terminal must not end it before the server has finished.
      const log = openSync(logFile, "w", 0o600)
      const child = spawn(
        join(launcher.bin, "postgres"),
        [
          "-D",
          launcher.nameOf(data),
          "-k",
          socketNames(),
          ...Object.entries({ ...settings, ...changed }).flatMap(([key, value]) => ["-c", `${key}=${value}`])
        ],
        { ...launcher.options(data), env: hostEnvironment("postgres"), detached: true, stdio: ["ignore", log, log] }
      )
      closeSync(log)
      child.unref()
      let ended = false
      if (child.pid !== undefined) know(child.pid)
      // Its fast shutdown: it needs nobody to wait for it.
      const forget = child.pid === undefined ? () => {} : endOnAbort(child.pid, "SIGINT")
      child.on("error", () => {
        ended = true
      })
      child.on("exit", () => {
        ended = true
        forget()
      })
      return awaitReady(() => ended)
    }

    const start = async () => {
      clearDrafts()
      await endDeaf()
      const running = postmaster(data)
      const isHere = running !== undefined && programOf(running.pid) === "postgres"
      const ready = isHere && (await awaitReady(() => !isRunning(running.pid)))
      const listens = (isTemporary && (await listensIn(socketFolder))) || (await listensIn(folder))
      if (ready && listens) return know(running.pid)
      if (listens)
        throw new DatabaseError({
          reason: "locked",
          message: `The database in ${folder} is in use by a Postgres of another container. Stop that container, or give this server a data folder of its own.`
        })
      // The id of a Postgres that is gone, used again by another program. Else Postgres itself decides: it looks for children as well.
      if (running !== undefined && (!isHere || ready)) {
        rmSync(join(data, "postmaster.pid"), { force: true })
        rmSync(join(folder, `${socketName}.lock`), { force: true })
      }
      // Children of a Postgres that was killed hold its shared memory for a moment.
      for (let attempt = 0; attempt < 50; attempt++) {
        if (await launch()) return
        const output = readFileSync(logFile, "utf8")
        if (!/shared memory block|lock file "postmaster.pid" already exists/.test(output)) {
          const line = damageIn(output)
          throw line === undefined
            ? failed("The database does not start", output)(new Error(`its log is ${logFile}`))
            : damaged(folder, line)
        }
        await sleep(200)
      }
      throw new DatabaseError({
        reason: "locked",
        message: `Another Postgres holds ${data} and does not answer. Stop it and start again.`
      })
    }

    const stop = async () => {
      const running = postmaster(data)
      const recorded = running !== undefined && programOf(running.pid) === "postgres" ? running.pid : undefined
      const pid = knownPid() ?? recorded
      if (pid !== undefined) await end(pid, look() === "gone" ? atOnce : inOrder)
      forgetShortName(folder)
      // One of its own in the temporary folder, which Postgres has emptied.
      if (isTemporary && pid !== undefined) rmSync(socketFolder, { recursive: true, force: true })
    }

    return {
      socketFolder,
      password,
      start: () => start().catch((error) => Promise.reject(failed("The database does not start")(error))),
      isRunning: () => postmaster(data) !== undefined,
      look,
      stop
    }
  } catch (error) {
    throw failed("The database cannot be prepared")(error)
  }
}
