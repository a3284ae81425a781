import { execFile } from "node:child_process"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { main, type Outcome } from "./cli.ts"

/** Where the user's own servers leave their tokens: the test's server needs the same. */
export const stateHome = temporaryFolder("maxcloud-state-")

/** The folders of a user whose docker and podman `maxcloud registry login` sets up, and the environment that names them. */
export const makeClients = () => {
  const folder = temporaryFolder("maxcloud-clients-")
  const [bin, docker, runtime, config, home] = ["bin", "docker", "run", "config", "home"].map((name) =>
    join(folder, name)
  )
  for (const each of [bin, docker, runtime, config, home]) mkdirSync(String(each))
  const helper = join(dirname(main), "docker-credential-maxcloud.js")
  const installed = join(String(bin), "docker-credential-maxcloud")
  writeFileSync(installed, `#!/bin/sh\nexec "${process.execPath}" "${helper}" "$@"\n`)
  chmodSync(installed, 0o755)
  const env: Record<string, string> = {
    PATH: `${bin}:${process.env["PATH"]}`,
    HOME: String(home),
    DOCKER_CONFIG: String(docker),
    XDG_RUNTIME_DIR: String(runtime),
    XDG_CONFIG_HOME: String(config),
    XDG_STATE_HOME: stateHome
  }
  return {
    env,
    folder,
    bin: String(bin),
    dockerFile: join(String(docker), "config.json"),
    podmanFile: join(String(runtime), "containers/auth.json"),
    /** Calls the helper as docker and podman do. */
    helper: (command: string, request = "", more: Readonly<Record<string, string>> = {}) =>
      new Promise<Outcome>((resolve) => {
        const child = execFile(installed, [command], { env: { ...env, ...more } }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
        )
        child.stdin?.end(request)
      })
  }
}
