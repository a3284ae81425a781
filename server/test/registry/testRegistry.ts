import { execFile, spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { promisify } from "node:util"
import type { RegistryProgram } from "./missingTools.ts"

const run = promisify(execFile)

export interface TestRegistry {
  /** `127.0.0.1:<port>`, over plain HTTP. */
  readonly host: string
  /** Add this to the environment of programs that run podman: `docker.io` is then this registry. */
  readonly environment: Readonly<Record<string, string>>
  /**
   * Pushes an image of this machine so that it can be pulled by `name`, as in `library/nginx:latest`, from this registry and from
   * `docker.io`.
   */
  readonly push: (image: string, name: string) => Promise<void>
  /** Stops it and starts it again, with the same images at the same address. */
  readonly restart: () => Promise<void>
  /** Loses a blob, like a broken disk. */
  readonly removeBlob: (digest: string) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** The user that a registry with `users` knows. */
export const testUser = { username: "puller", password: "pull-me-1234" }
// Its bcrypt hash.
const htpasswd = `${testUser.username}:$2b$05$QtwCpG1Yj8n7vXk3Lr5aOeuxo/rO5egl7p0/Eg25XB9.Vl5Jo8Ciy\n`

/** A token server that a registry trusts (distribution, "Token Authentication Specification"). */
export interface TokenAuth {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  /** File with the certificates that sign tokens. */
  readonly rootcertbundle?: string
  /** File with the keys that sign tokens, for version 3. */
  readonly jwks?: string
  /** Version 3 accepts only tokens that are signed by one of these. */
  readonly signingalgorithms?: ReadonlyArray<string>
}

/** Starts a registry; resolves when it accepts connections. */
const startProgram = async (program: RegistryProgram, config: string) => {
  const child = spawn(program, ["serve", config], {
    // Version 3 would send traces to this machine.
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
    stdio: ["ignore", "ignore", "pipe"]
  })
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  let output = ""
  const host = await new Promise<string>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`${program} exited with code ${code}: ${output}`)))
    createInterface({ input: child.stderr }).on("line", (line) => {
      output = `${output}${line}\n`.slice(-2_000)
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(line)
      if (found?.[1]) resolve(found[1])
    })
  })
  const end = async () => {
    process.off("exit", kill)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    kill()
    await ended
  }
  return { host, end }
}

/**
 * A separate, empty registry for tests (Debian's `docker-registry`, or another program) on a free loopback port, which also stands in for
 * `docker.io`. `users`: it requires `testUser` by Basic authentication; a token server: it requires that server's tokens.
 */
export const startTestRegistry = async (
  auth?: "users" | TokenAuth,
  program: RegistryProgram = "docker-registry",
  address = "127.0.0.1:0"
): Promise<TestRegistry> => {
  const folder = await mkdtemp(join(tmpdir(), "registry-"))
  const users = join(folder, "htpasswd")
  if (auth === "users") await writeFile(users, htpasswd)
  const config = join(folder, "config.json")
  const serve = async (addr: string) => {
    // JSON is YAML.
    await writeFile(
      config,
      JSON.stringify({
        version: 0.1,
        log: { level: "info", formatter: "json" },
        storage: { filesystem: { rootdirectory: join(folder, "data") } },
        http: { addr },
        ...(auth === undefined
          ? {}
          : { auth: auth === "users" ? { htpasswd: { realm: "test", path: users } } : { token: auth } })
      })
    )
    return startProgram(program, config)
  }
  let running = await serve(address)
  const { host } = running
  const registries = join(folder, "registries.conf")
  await writeFile(
    registries,
    `unqualified-search-registries = ["docker.io"]

[[registry]]
prefix = "docker.io"
location = "${host}"
insecure = true

[[registry]]
location = "${host}"
insecure = true
`
  )
  return {
    host,
    environment: { CONTAINERS_REGISTRIES_CONF: registries },
    push: async (image, name) => {
      const as = auth === "users" ? ["--creds", `${testUser.username}:${testUser.password}`] : []
      await run("podman", ["push", "--quiet", "--tls-verify=false", ...as, image, `docker://${host}/${name}`])
    },
    restart: async () => {
      await running.end()
      running = await serve(host)
    },
    removeBlob: async (digest) => {
      const hash = digest.replace("sha256:", "")
      await rm(join(folder, "data/docker/registry/v2/blobs/sha256", hash.slice(0, 2), hash), { recursive: true })
    },
    [Symbol.asyncDispose]: async () => {
      await running.end()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
