import { execFileSync } from "node:child_process"
import { chmodSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "../../server/test/freePort.ts"
import { findTool, podmanVariable, probePodman } from "../../server/test/registry/missingTools.ts"
import { buildTrueImage } from "../../server/test/registry/scratchImage.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { makeFolder, run } from "./cli.ts"

const image = `localhost/maxcloud-refused:${process.pid}`
const refusal = "Error: runc: error setting rlimit type 7: operation not permitted: OCI permission denied"

const podman = findTool("podman")

/** Podman as in many sandboxes: it answers, builds and lists, but can't start containers. */
const withRefusingPodman = (real: string): NodeJS.ProcessEnv => {
  const folder = makeFolder({})
  const program = `#!/bin/sh\nif [ "$1" = run ]; then echo "${refusal}" >&2; exit 126; fi\nexec ${real} "$@"\n`
  writeFileSync(join(folder, "podman"), program)
  chmodSync(join(folder, "podman"), 0o755)
  const { [podmanVariable]: _, ...environment } = process.env
  return { ...environment, PATH: [folder, process.env["PATH"]].join(delimiter) }
}

describe.skipIf(podman === undefined)("podman that can't start containers", () => {
  afterAll(() => {
    execFileSync("podman", ["image", "rm", "--force", "--ignore", image], { stdio: "ignore" })
  })

  it("is detected by a probe, which prints the same problem as a deployment, and the setting", async () => {
    const environment = withRefusingPodman(podman ?? "")
    const problem = probePodman(environment) ?? ""
    expect(problem).toContain("Couldn't start the container of ")
    expect(problem).toContain(`: ${refusal}`)
    const [message = "", fix = ""] = problem.split(/(?= Write `default_ulimits)/)
    expect(fix).toContain("CONTAINERS_CONF")

    await buildTrueImage(image)
    const server = new ServerProcess(await freePort(), environment)
    try {
      await server.start()
      const deploy = ["deploy", "--name", "refused", image]
      const { code, stderr } = await run(deploy, { env: { MAXCLOUD_API_URL: server.url } })
      expect(code).toBe(7)
      // A service uses its image by id.
      const named = stderr.replaceAll(/@sha256:[0-9a-f]{64}/g, `:${process.pid}`)
      expect(named).toContain(message.replace(/localhost\/maxcloud-probe:\d+/, image))
      expect(stderr).toContain(fix.trim())
    } finally {
      await server.end("SIGTERM")
      server.remove()
    }
  }, 120_000)
})
