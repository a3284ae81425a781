import { spawnSync } from "node:child_process"
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs"
import { join } from "node:path"

const run = (...[file, ...args]: [string, ...Array<string>]) => {
  const { error, status, stderr } = spawnSync(file, args, { encoding: "utf8" })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

/** A real in-memory file system of a few megabytes at a path. */
export interface SmallDisk {
  /** Fills it up to `leftBytes`. Postgres and other programs may have written meanwhile. */
  readonly fill: (leftBytes: number) => void
  /** Removes the files that `fill` wrote. */
  readonly empty: () => void
  readonly remount: (options: string) => void
  readonly unmount: () => void
}

/** Mounts one, or returns a text that says why it can't (it needs root on Linux). */
export const mountSmallDisk = (path: string, options: string): SmallDisk | string => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "mounting a file system needs root on Linux"
  mkdirSync(path, { recursive: true })
  const refused = run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path)
  if (refused !== undefined) return `can't mount a file system here: ${refused}`
  const ballast = join(path, ".ballast")
  return {
    fill: (leftBytes) => {
      const file = openSync(ballast, "a", 0o600)
      try {
        for (;;) {
          const { bavail, bsize } = statfsSync(path)
          const more = Math.min(bavail * bsize - leftBytes, 2 ** 20)
          if (more <= 0) return
          writeSync(file, Buffer.alloc(more))
        }
      } finally {
        closeSync(file)
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    remount: (changed) => void run("mount", "-o", `remount,${changed}`, path),
    unmount: () => void run("umount", "-l", path)
  }
}
