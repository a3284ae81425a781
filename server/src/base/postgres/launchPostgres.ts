import { spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { endOnAbort } from "../host/endOnAbort.ts"
import { hostEnvironment } from "../host/hostEnvironment.ts"
import type { Launcher } from "./launcher.ts"
import { awaitReady } from "./postmaster.ts"
import { type SocketPlace, socketNames } from "./socketPlace.ts"

/** Small: it shares a developer's machine with what they develop. Parameters are never logged. */
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

export const logFileIn = (folder: string): string => join(folder, "postgres.log")

/** Launches it once; false: it exited before it was ready. */
export const launchPostgres = async (
  folder: string,
  launcher: Launcher,
  socket: SocketPlace,
  changed: Readonly<Record<string, string>>,
  know: (pid: number) => void
): Promise<boolean> => {
  const data = join(folder, "data")
  // A session of its own: a Ctrl-C in the terminal must not stop it before the server has finished.
  const log = openSync(logFileIn(folder), "w", 0o600)
  const child = spawn(
    join(launcher.bin, "postgres"),
    [
      "-D",
      launcher.nameOf(data),
      "-k",
      socketNames(folder, socket, launcher),
      ...Object.entries({ ...settings, ...changed }).flatMap(([key, value]) => ["-c", `${key}=${value}`])
    ],
    { ...launcher.options(data), env: hostEnvironment("postgres"), detached: true, stdio: ["ignore", log, log] }
  )
  closeSync(log)
  child.unref()
  let ended = false
  if (child.pid !== undefined) know(child.pid)
  // Its fast shutdown, which waits for no client.
  const forget = child.pid === undefined ? () => {} : endOnAbort(child.pid, "SIGINT")
  child.on("error", () => {
    ended = true
  })
  child.on("exit", () => {
    ended = true
    forget()
  })
  return awaitReady(data, () => ended)
}
