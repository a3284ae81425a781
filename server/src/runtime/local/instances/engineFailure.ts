import type { ContainerEngine } from "./containerEngine.ts"
import { InstanceFailed } from "./Instance.ts"

const inFile = (line: string, section: string) =>
  `Write \`${line}\` under [${section}] of a file that CONTAINERS_CONF names in the server's environment`

/** What lets podman start containers where its own defaults can't. It says so in its own words, or those of runc and crun. */
const fixes: ReadonlyArray<readonly [pattern: RegExp, fix: string]> = [
  [
    /rlimit/i,
    `${inFile('default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]', "containers")}, with limits that \`ulimit -Hn\` and \`ulimit -Hu\` allow here.`
  ],
  [/cgroups? in hybrid mode|hybrid cgroup/i, `Install runc. ${inFile('runtime = "runc"', "engine")}.`],
  [/sd-bus|systemd cgroup|dbus/i, `${inFile('cgroup_manager = "cgroupfs"', "engine")}.`]
]

/** The engine could not start a container: what it said, and what to set where that is known. */
export const engineFailure = (engine: Pick<ContainerEngine, "name">, output: string, image: string): InstanceFailed => {
  const said = output.trim().split("\n").at(-1)?.slice(0, 500) ?? ""
  const fix = engine.name === "podman" ? fixes.find(([pattern]) => pattern.test(output))?.[1] : undefined
  return new InstanceFailed({
    reason: "CannotStart",
    message: `The container of ${image} could not be started: ${said}`,
    retryable: true,
    ...(fix === undefined ? {} : { fix })
  })
}
