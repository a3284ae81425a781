import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Debian's `libfaketime`, if installed. */
const library = ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
  .flatMap((place) =>
    existsSync(place) ? [place, ...readdirSync(place).map((name) => join(place, name))] : ([] as ReadonlyArray<string>)
  )
  .map((place) => join(place, "faketime/libfaketime.so.1"))
  .find((file) => existsSync(file))

export const hasFaketime = library !== undefined

/** A wall clock for processes with its environment, which a test can move while they run. The monotonic clock is the real one. */
export const makeFakedClock = (folder: string) => {
  const file = join(folder, "faketime")
  const set = (seconds: number) => writeFileSync(file, seconds < 0 ? `${seconds}\n` : `+${seconds}\n`, { mode: 0o644 })
  set(0)
  return {
    environment: {
      LD_PRELOAD: library ?? "",
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1"
    },
    /** Moves it to this many seconds after the real time. */
    set
  }
}
