import { spawn, spawnSync } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"

const version = "4.32.5"
const python = "python3"

/** Installs schemathesis once, in its own virtual environment. If that fails, it prints the reason and returns undefined. */
export const installSchemathesis = (cache: string): string | undefined => {
  const folder = join(cache, `schemathesis-${version}`)
  const program = join(folder, "bin", "schemathesis")
  if (existsSync(program)) return program
  const found = spawnSync(python, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])
  if (found.status !== 0) {
    console.error("fuzz: python3 (3.10 or newer) isn't installed (Debian: apt-get install python3 python3-venv)")
    return undefined
  }
  console.log(`fuzz: installing schemathesis ${version} from PyPI (once) …`)
  const steps: ReadonlyArray<readonly [string, ReadonlyArray<string>, string]> = [
    [python, ["-m", "venv", folder], "Couldn't create the virtual environment (Debian: apt-get install python3-venv)"],
    [
      join(folder, "bin", "pip"),
      ["install", "--quiet", "--disable-pip-version-check", `schemathesis==${version}`],
      "Couldn't install schemathesis from PyPI: check the network"
    ]
  ]
  for (const [command, args, what] of steps) {
    const { status, stderr } = spawnSync(command, args, { encoding: "utf8" })
    if (status === 0) continue
    rmSync(folder, { recursive: true, force: true })
    console.error(`${stderr ?? ""}fuzz: ${what}`)
    return undefined
  }
  return program
}

export interface Pass {
  /** The file of the OpenAPI document, and its base URL. */
  readonly document: string
  readonly url: string
  /** Its working directory. */
  readonly folder: string
  readonly authorization?: string | undefined
  readonly checks: ReadonlyArray<string>
  readonly phases: ReadonlyArray<string>
  readonly examples: number
  readonly seconds: number
  readonly seed: number
  readonly only?: ReadonlyArray<string>
  readonly except?: ReadonlyArray<string>
}

/** Runs one pass, and returns its output and whether all checks passed. It uses one thread, because with several Python 3.11's parser sometimes fails. */
export const runSchemathesis = (program: string, pass: Pass) => {
  const args = [
    ...["run", pass.document, "--url", pass.url, "--no-color", "--workers", "1"],
    ...["--phases", pass.phases.join(","), "--max-examples", String(pass.examples), "--max-time", String(pass.seconds)],
    ...["--seed", String(pass.seed), "--request-timeout", "20", "--generation-database", "none", "--warnings", "off"],
    ...["--checks", pass.checks.join(","), "--suppress-health-check", "all", "--continue-on-failure"],
    ...(pass.authorization === undefined ? [] : ["--header", `Authorization: ${pass.authorization}`]),
    ...(pass.only ?? []).flatMap((value) => ["--include-operation-id", value]),
    ...(pass.except ?? []).flatMap((value) => ["--exclude-operation-id", value])
  ]
  return new Promise<{ readonly passed: boolean; readonly output: string }>((resolve, reject) => {
    const child = spawn(program, args, { cwd: pass.folder, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    child.on("error", reject)
    child.on("exit", (code) => resolve({ passed: code === 0, output }))
  })
}
