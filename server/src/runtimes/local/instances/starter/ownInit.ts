import { posix } from "node:path"

/** Programs made to be a container's first process, which reap its orphans themselves. Some refuse to be anything else. */
const inits: ReadonlySet<string> = new Set([
  "init",
  "systemd",
  "tini",
  "tini-static",
  "dumb-init",
  "catatonit",
  "docker-init",
  "s6-svscan",
  "s6-overlay-stage1",
  "my_init",
  "runit",
  "runit-init",
  "runsvdir-start",
  "openrc-init",
  "dinit"
])

/** Does an image bring its own init process? */
export const isInit = ([program = ""]: ReadonlyArray<string>): boolean => inits.has(posix.basename(program))

/**
 * The wording of s6-overlay (`can only run as pid 1`), sysvinit, busybox (`must be run as PID 1`) and runit (`must be run as
 * process no 1`).
 */
const demand = /\b(?:must|only|has to|needs to)\b[^\n]{0,40}\b(?:pid|process(?: no\.?| id)?) ?1\b/i

/** Did a program exit because it isn't the first process of its container? */
export const wantsToBeFirst = (output: string): boolean => demand.test(output)
