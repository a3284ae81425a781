import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { endOnAbort } from "../../host/endOnAbort.ts"
import { hostEnvironment } from "../../host/hostEnvironment.ts"
import { isRunning, programOf } from "../../host/processIdentity.ts"
import { codeOf, DatabaseError, explain } from "../DatabaseError.ts"
import { damaged, damageIn } from "./damage.ts"
import { type Launcher, makeLauncher } from "./launcher.ts"
import { listensIn, longestSocketPath, socketName } from "./listensIn.ts"
import { mayEnter } from "./programs.ts"

/** A Postgres of the data folder's own, reached by a Unix socket only. */
export interface EmbeddedPostgres {
  readonly socketFolder: string
  readonly password: string
  /** Starts it, or takes over one that a killed server has left. */
  readonly start: () => Promise<void>
  readonly isRunning: () => boolean
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
        message: `The password of the database in ${folder} is missing. Put ${passwordFile} back from a copy.`
      })
    }
    const password = randomBytes(24).toString("hex")
    writeFileSync(`${passwordFile}.new`, `${password}\n`, { mode: 0o600 })
    renameSync(`${passwordFile}.new`, passwordFile)
    return password
  }

  const initialise = async (launcher: Launcher, password: string) => {
    // Made aside and then renamed: a start that is cut off leaves no half of a database.
    const draft = join(folder, "data.new")
    const input = join(folder, "password.new")
    rmSync(draft, { recursive: true, force: true })
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
    }
  }

  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const launcher = makeLauncher(folder)
    folderOf(folder, launcher)
    const temporaryName = `maxcloud-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`
    const ownSocketFolder = () =>
      folder.length + "/.s.PGSQL.5432".length <= longestSocketPath
        ? folder
        : folderOf(
            join(
              [tmpdir(), "/tmp"].find((_) => launcher.owner === undefined || mayEnter(_, launcher.owner)) ?? tmpdir(),
              temporaryName
            ),
            launcher
          )
    // One that runs was perhaps started with another temporary folder than this process has.
    const socketFolder = postmaster(data)?.socketFolder ?? ownSocketFolder()
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
      if (socketFolder !== folder) return `${socketFolder},..`
      return launcher.nameOf(data) === data ? folder : ".."
    }

    const launch = async (): Promise<boolean> => {
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
      const running = postmaster(data)
      const isHere = running !== undefined && programOf(running.pid) === "postgres"
      const ready = isHere && (await awaitReady(() => !isRunning(running.pid)))
      const listens = (await listensIn(socketFolder)) || (await listensIn(folder))
      if (ready && listens) return
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
      if (running === undefined || programOf(running.pid) !== "postgres") return
      const ended = async (signal: "SIGINT" | "SIGQUIT", ms: number) => {
        process.kill(running.pid, signal)
        for (const deadline = performance.now() + ms; performance.now() < deadline; await sleep(10)) {
          if (!isRunning(running.pid)) return true
        }
        return false
      }
      if (!(await ended("SIGINT", 20_000))) await ended("SIGQUIT", 5_000)
      // One of its own in the temporary folder, which Postgres has emptied.
      if (basename(socketFolder) === temporaryName) rmSync(socketFolder, { recursive: true, force: true })
    }

    return {
      socketFolder,
      password,
      start: () => start().catch((error) => Promise.reject(failed("The database does not start")(error))),
      isRunning: () => postmaster(data) !== undefined,
      stop
    }
  } catch (error) {
    throw failed("The database cannot be prepared")(error)
  }
}
