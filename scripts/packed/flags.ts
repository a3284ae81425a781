import { join } from "node:path"
import { globalFlags } from "../../cli/src/args/flags.ts"
import { commands } from "../../cli/src/commands/index.ts"
import type { ForeignFolder } from "./ForeignFolder.ts"

/** Arguments for each command, in separate runs for flags that exclude each other. */
const special: Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>> = {
  deploy: [
    [
      "--file",
      "app.yaml",
      "--detach",
      "--force-conflicts",
      "--wait-timeout",
      "5s",
      "--message",
      "a",
      "--metadata",
      "ticket=1",
      "--build",
      "local",
      "--base",
      "oci:no-base"
    ],
    ["--from", "1", "--detach"],
    ["--plan", "approved.json", "--detach"],
    ["nginx:1", "--name", "one", "--env", "A=1", "--env-file", "flags.env", "--port", "80", "--detach"],
    ["nginx:1", "--name", "two", "--env-from", "flags.env", "--detach"],
    ["nginx:1", "--name", "four", "--command", "nginx -v", "--cpu", "100m", "--memory", "64Mi", "--detach"],
    ["nginx:1", "--name", "five", "--min", "1", "--max", "2", "--visibility", "internal", "--detach"],
    ["--all", "--filter", "*", "--changed", "HEAD", "--detach"],
    ["nginx:1", "--name", "three", "--fail-fast", "--wait-timeout", "3s"]
  ],
  plan: [
    ["--file", "app.yaml", "--exit-code", "--metadata", "a=b", "--build", "local", "--base", "oci:no-base"],
    ["--file", "app.yaml", "--out", "plan.json", "--manifests"],
    ["--all", "--filter", "*", "--changed", "HEAD"]
  ],
  "policies set": [
    ["flagged", "true", "--message", "a"],
    ["warned", "true", "--warn"]
  ],
  "policies test": [["true", "--file", "app.yaml", "--metadata", "a=b"]],
  "policies remove": [["flagged"]],
  "config check": [
    ["--file", "app.yaml"],
    ["--all", "--filter", "*", "--changed", "HEAD"]
  ],
  "auth oidc add": [
    [
      "--name",
      "a",
      "--github",
      "acme/shop",
      "--branch",
      "main",
      "--role",
      "viewer",
      "--scope",
      "deploy:shop/production"
    ],
    ["--name", "b", "--gitlab", "acme/shop"],
    ["--name", "c", "--issuer", "https://127.0.0.1:9", "--claim", "sub=x"]
  ],
  logs: [
    ["web", "--follow", "--grep", "x", "--level", "warn"],
    ["--app", "shop", "--no-follow", "--since", "1h", "--tail", "5"],
    ["web", "--no-follow", "--revision", "web-00001"]
  ],
  build: [
    [
      "tool",
      "--base",
      "oci:no-base",
      "--output",
      "oci:flags-image:v1",
      "--build-command",
      "true",
      "--command",
      "node a.js"
    ],
    ["--service", "web", "--base", "oci:no-base", "--output", "oci:flags-image", "--port", "80"]
  ],
  "secrets copy": [
    ["A", "--app", "shop", "--from-stage", "production", "--to-stage", "dev"],
    ["A", "--from-app", "shop", "--to-app", "shop", "--from-stage", "dev", "--to-stage", "production"]
  ],
  "port-forward": [["web", "0:8080", "--app", "shop", "--instance", "web-1", "--address", "127.0.0.1"]],
  push: [["oci:flags-layout", "--name", "shop", "--tag", "1", "--platform", "linux/amd64"]],
  suspend: [
    ["--app", "shop", "--for", "1h", "--reason", "a"],
    ["--app", "shop", "--end"]
  ],
  "secrets import": [["flags.env", "--app", "shop"]],
  "org certificate": [[`era_${"0".repeat(32)}`]],
  "auth login": [["--no-browser"], ["--api-key-stdin"]],
  "auth register": [["--email", "ada@example.com", "--org", "acme", "--bootstrap-token-stdin"]]
}

const positionals: Readonly<Record<string, string>> = {
  NAME: "web",
  DEPLOYMENT: "1",
  HOST: "registry.example.com",
  ID: `dep_${"0".repeat(32)}`,
  KEY: `key_${"0".repeat(32)}`,
  TRUST: `tru_${"0".repeat(32)}`,
  INVITE: `inv_${"0".repeat(32)}`,
  WEBHOOK: `whk_${"0".repeat(32)}`,
  DELIVERY: `dlv_${"0".repeat(32)}`,
  URL: "https://example.com/hooks",
  EMAIL: "ada@example.com",
  ROLE: "viewer",
  FILE: "flags.env",
  ORGANIZATION: "acme",
  LOG: "org",
  SHELL: "bash",
  APP: "shop",
  FOLDER: "flags-init",
  CODE: "WrongPort"
}

/** Values by the flag's name, or else by the name of its value. */
const values: Readonly<Record<string, string>> = {
  out: "flags-out",
  "data-dir": "flags-data",
  kubeconfig: "/nonexistent",
  "wait-timeout": "5s",
  host: "127.0.0.1",
  runtime: "local",
  lang: "de",
  format: "yaml",
  level: "warn",
  "namespace-prefix": "mc-",
  manifests: "ConfigMap",
  port: "0",
  "metrics-port": "0",
  username: "ada",
  app: "shop",
  file: "app.yaml",
  role: "viewer",
  FILE: "flags.env",
  NAME: "acme",
  NAMESPACE: "elsewhere",
  TIME: "1h",
  LINES: "5",
  REVISION: "web-00001",
  VERSION: "1",
  EMAIL: "ada@example.com",
  SCOPE: "deploy:shop/production",
  DURATION: "1h",
  TYPE: "deployment.failed",
  TYPES: "deployment.*",
  ACTION: "secret.set",
  SEQUENCE: "10",
  N: "3",
  VCPUS: "2",
  SIZE: "1Gi",
  REF: "registry.example.com/maxcloud:1",
  DOMAIN: "example.com",
  RANGES: "10.0.0.0/8"
}

/** Matches output that only a bug in the program causes. */
const mistake =
  /a mistake in maxcloud|is not a (?:function|constructor)|before initialization|Cannot read properties|ERR_MODULE/

/** The expected refusals: this check has no plan from a server, and its config no service with a source. */
const wanted = /"usage_error"[^\n]*(?:approved\.json isn't a plan|has no service [^\n]* with a source)/g

/** Commands that refuse to run after reading the file: their flags need a key and a signed checkpoint, which this check lacks. */
const refused = new Set(["audit verify", "server audit verify"])

/** Passes every flag of every command to the installed program. A run may fail, but not because of a bug in the program. */
export const checkFlags = async ({ app, check, maxcloud, start, write }: ForeignFolder) => {
  write("flags.env", "A='1'\n")
  write("approved.json", "{}\n")
  write("app.yaml", "apiVersion: maxcloud.dev/v1\napp: shop\nservices:\n  - name: web\n    image: nginx:1\n")
  const server = await start(["server", "--port", "0", "--data-dir", join(app, "flags-server")])
  const url = /http:\/\/[\w.]+:\d+/.exec(server.printed)?.[0] ?? ""
  const shared = ["--api-url", url, "--json", "--debug"]
  const organization = ["--org", "-"]
  const stage = ["--stage", "production"]
  const config = ["--config", "app.yaml"]
  /** A plan already contains the config and the stage. */
  const placeOf = (args: ReadonlyArray<string>) =>
    args.includes("--plan") ? [] : args.includes("--name") || args.includes("--all") ? stage : [...stage, ...config]
  const given = new Set(
    [...shared, ...organization, ...stage, ...config]
      .filter((text) => text.startsWith("--"))
      .map((each) => each.slice(2))
  )
  check(
    "the runs use every flag of all commands",
    Object.values(globalFlags).every(({ info }) => given.has(info.name)),
    [...given].join()
  )
  try {
    for (const entry of commands) {
      const { default: command } = await entry.load()
      const own = command.flags.filter(({ name }) => !given.has(name))
      const words = command.positionals
        .filter((positional) => positional.required)
        .map((positional) => positionals[positional.name] ?? "web")
      const all = own.flatMap(({ name, value }) => [
        `--${name}`,
        ...(value === undefined ? [] : [values[name] ?? values[value] ?? "x"])
      ])
      const runs = special[entry.name] ?? [[...words, ...all]]
      const missed = own.filter(({ name }) => !runs.some((run) => run.includes(`--${name}`))).map((each) => each.name)
      // Stop servers and commands that wait for input: if they got that far, they pass.
      const options = { input: "x12345678\n", timeout: 8_000, killSignal: "SIGTERM" } as const
      const ended = runs.map((args) =>
        maxcloud(
          [
            ...entry.name.split(" "),
            ...args,
            ...shared,
            ...(args.includes("--org") ? [] : organization),
            ...placeOf(args)
          ],
          options
        )
      )
      const output = ended.map((each) => each.output).join("\n")
      const isRight =
        !mistake.test(output) && (refused.has(entry.name) || !output.replace(wanted, "").includes('"usage_error"'))
      check(`${entry.name} accepts each of its flags`, missed.length === 0 && isRight, `${missed.join()}\n${output}`)
    }
  } finally {
    await server.stop()
  }
}
