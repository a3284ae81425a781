import { cpuUsage } from "node:process"

/** The processor time that some work needs, in milliseconds: unlike the wall clock, it doesn't grow on a busy machine. */
export const cpuMillis = (work: () => unknown): number => {
  const before = cpuUsage()
  work()
  const { system, user } = cpuUsage(before)
  return (system + user) / 1000
}
