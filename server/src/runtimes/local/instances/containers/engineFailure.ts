import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { startDiagnosis } from "../../../diagnosis/startDiagnosis.ts"
import { failedBy, InstanceFailed } from "../Instance.ts"

const inFile = (line: string, section: string) =>
  `Write \`${line}\` under [${section}] in a file named by CONTAINERS_CONF in the server's environment`

/**
 * Fixes for podman's own messages, or those of runc and crun, if its defaults can't start containers. `passes`: the cause may
 * also be a temporarily unreachable system service; the others stay until somebody fixes them.
 */
const fixes: ReadonlyArray<readonly [pattern: RegExp, fix: string, passes: boolean]> = [
  [
    /rlimit/i,
    `${inFile('default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]', "containers")}, with limits that \`ulimit -Hn\` and \`ulimit -Hu\` allow here.`,
    false
  ],
  [/cgroups? in hybrid mode|hybrid cgroup/i, `Install runc. ${inFile('runtime = "runc"', "engine")}.`, false],
  [/sd-bus|systemd cgroup|dbus/i, `${inFile('cgroup_manager = "cgroupfs"', "engine")}.`, true]
]

const folderRefused = /chdir to cwd .*permission denied|mkdir .*: not a directory/i

/** The engine couldn't start a container: its message, and the fix if known. */
export const engineFailure = (engine: Pick<ContainerEngine, "name">, output: string, image: string): InstanceFailed => {
  const said = output.trim().split("\n").at(-1)?.slice(0, 500) ?? ""
  // The image's program causes none of the other messages: the starter reports those itself.
  const ofImage = startDiagnosis(said)
  if (ofImage?.code === "UserUnknown") return failedBy(ofImage, false)
  if (folderRefused.test(said)) {
    return new InstanceFailed({
      reason: "CannotStart",
      message: `Couldn't start the container of ${image}: the image's user has no access to its working folder (${said})`,
      fix: "Give the folder of WORKDIR to the image's user (`RUN chown USER FOLDER`), push, and deploy again.",
      retryable: false
    })
  }
  const found = engine.name === "podman" ? fixes.find(([pattern]) => pattern.test(output)) : undefined
  const [, fix, passes = true] = found ?? []
  return new InstanceFailed({
    reason: "CannotStart",
    message: `Couldn't start the container of ${image}: ${said}`,
    retryable: passes,
    ...(fix === undefined ? {} : { fix })
  })
}
