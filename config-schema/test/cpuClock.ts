import { cpuUsage } from "node:process"

/** A clock of this process's own processor time, in milliseconds: unlike the wall clock, it doesn't go faster on a busy machine. */
export const cpuClock = (): (() => number) => {
  const before = cpuUsage()
  return () => {
    const { system, user } = cpuUsage(before)
    return (system + user) / 1000
  }
}

/** The processor time that some work needs, in milliseconds. */
export const cpuMillis = (work: () => unknown): number => {
  const spent = cpuClock()
  work()
  return spent()
}
