import { globSync, readFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { type HostProgram, hostEnvironment } from "./hostEnvironment.ts"

const programs: ReadonlyArray<HostProgram> = ["engine", "installer", "postgres", "registry", "system"]
const alwaysThere = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL"]

describe("the environment of host programs", () => {
  it("contains the names of the allow-list, and nothing else of the server's environment", () => {
    const server = {
      PATH: "/bin",
      HOME: "/root",
      DOCKER_HOST: "unix:///x",
      npm_config_registry: "http://r",
      CANARY: "1"
    }
    const namesOf = (program: HostProgram) => Object.keys(hostEnvironment(program, server)).sort()
    expect(namesOf("engine")).toEqual(["DOCKER_HOST", "HOME", "LANG", "PATH", "TMPDIR"])
    expect(namesOf("installer")).toEqual(["HOME", "LANG", "PATH", "TMPDIR", "npm_config_registry"])
    expect(namesOf("postgres")).toEqual(["LANG", "LC_ALL", "PATH"])
    expect(namesOf("registry")).toEqual(["LANG", "LC_ALL", "PATH"])
    expect(namesOf("system")).toEqual(["LANG", "LC_ALL", "PATH"])
  })

  it("never contains a variable that makes a program load code", () => {
    const known = fc.constantFrom(
      ...["XTABLES_LIBDIR", "IPTABLES_LIB_DIR", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "BASH_ENV"],
      ...[
        "ENV",
        "NODE_OPTIONS",
        "PYTHONPATH",
        "PERL5OPT",
        "GODEBUG",
        "DYLD_INSERT_LIBRARIES",
        "NETAVARK_X",
        "CNI_PATH"
      ],
      ...[
        "DATABASE_URL",
        "MAXCLOUD_MASTER_KEY",
        "KUBECONFIG",
        "PGOPTIONS",
        "IFS",
        "PS4",
        "LISTEN_FDS",
        "NOTIFY_SOCKET"
      ],
      ...["REGISTRY_URL", "REGISTRY_JWT_SECRET", "REGISTRY_AUTH", "REGISTRY_STORAGE_DELETE_ENABLED"]
    )
    const name = fc.oneof(
      known,
      fc.stringMatching(/^[A-Z_]{1,20}$/).filter((generated) => !alwaysThere.includes(generated))
    )
    fc.assert(
      fc.property(fc.constantFrom(...programs), fc.dictionary(name, fc.string()), (program, server) => {
        const found = Object.keys(hostEnvironment(program, server))
        const listed =
          /^(XDG_|DBUS_SESSION|CONTAINERS?_|REGISTRY_AUTH_FILE|DOCKER_|(HTTPS?|NO|ALL)_PROXY|SSL_CERT|NODE_EXTRA_CA|NPM_CONFIG|YARN_)/
        expect(found.filter((value) => !alwaysThere.includes(value) && !listed.test(value))).toEqual([])
      }),
      { numRuns: 2_000 }
    )
  })

  it("has no folder on the PATH that depends on the working directory", () => {
    const path = ["", ".", "node_modules/.bin", "/usr/bin", "../bin"].join(delimiter)
    expect(hostEnvironment("engine", { PATH: path })["PATH"]).toBe("/usr/bin")
    expect(hostEnvironment("engine", { PATH: "" })["PATH"]).not.toBe("")
  })

  it("applies to every program that the server starts", () => {
    const source = join(import.meta.dirname, "../..")
    const starting = globSync("**/*.ts", { cwd: source })
      .filter((file) => !/test/i.test(file))
      .filter((file) => /import \{[^}]*\} from "node:child_process"/.test(readFileSync(join(source, file), "utf8")))
      .filter((file) => !/import type [^\n]*child_process/.test(readFileSync(join(source, file), "utf8")))
    expect(starting.length).toBeGreaterThan(4)
    for (const file of starting) {
      const text = readFileSync(join(source, file), "utf8")
      // A source service is the tenant's own program, so its environment contains nothing of the server's.
      if (file.endsWith("local/instances/processes/processes.ts")) expect(text).not.toContain("process.env")
      else expect(text, file).toContain("hostEnvironment(")
    }
    const ofProcesses = join(source, "runtimes/local/instances/processes/processEnvironment.ts")
    expect(readFileSync(ofProcesses, "utf8")).not.toContain("process.env")
  })
})
