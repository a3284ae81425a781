import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { connect } from "node:net"
import { homedir } from "node:os"
import { join } from "node:path"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { buildNginxImage } from "../../server/test/registry/scratchImage.ts"
import { startTestRegistry } from "../../server/test/registry/testRegistry.ts"
import { type Block, blocksOf } from "../docs/blocks.ts"
import { type ForeignFolder, root } from "./ForeignFolder.ts"
import { startNpmRegistry } from "./npmRegistry.ts"
import { type Answer, makeTerminalSession, type Running, type TerminalSession } from "./TerminalSession.ts"

const guide = "docs/getting-started.md"

/** Lines that keep running, each with its output when it's ready. */
const lasting: ReadonlyArray<readonly [RegExp, RegExp]> = [
  [/^npx maxcloud dev\b/, /http:\/\/web--[a-z0-9-]+--dev--local\.localhost:\d+/],
  [/^npx maxcloud server\b/, /http:\/\/127\.0\.0\.1:\d+/],
  [/^npx maxcloud logs .*--follow/, /listening on \d+/]
]

const answers: ReadonlyArray<Answer> = [
  [/Type (\S+) to continue: $/, (asked) => asked[1] ?? ""],
  [/Value of \w+: $/, () => "s3cret-p4ssword"]
]

/** Sends requests to services by the Host header, because not every resolver knows `*.localhost`. */
const get = (url: URL) =>
  new Promise<string>((resolve) => {
    request({ host: "127.0.0.1", port: url.port, path: url.pathname, headers: { host: url.host } }, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resolve(`${response.statusCode} ${body}`))
    })
      .on("error", (error) => resolve(error.message))
      .end()
  })

/** The URLs of services that should respond. `list` also shows the service that `dev` left behind, as failed. */
const urlsIn = (output: string) => [
  ...new Set(
    output
      .split("\n")
      .filter((line) => !/\bfailed\b/.test(line))
      .flatMap((line) => line.match(/http:\/\/[a-z-]+--local\.localhost:\d+/g) ?? [])
  )
]

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("connect", () => {
      socket.destroy()
      resolve(false)
    })
    socket.on("error", () => resolve(true))
  })

/** The environment for the guide's default port. If that port is taken, it sets another one, so that the guide's lines don't change. */
const portSettings = async (): Promise<NodeJS.ProcessEnv> => {
  if (await isFree(8080)) return {}
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  console.log(`port 8080 is taken: the guide runs on ${port}`)
  return { MAXCLOUD_PORT: String(port), MAXCLOUD_API_URL: `http://127.0.0.1:${port}` }
}

/** The source of images: a registry on this machine that stands in for docker.io. */
const startImages = async () => {
  const missing = missingTools("the guide's images", "podman", "docker-registry", "nginx")
  if (missing.length > 0) return { environment: {}, isThere: false, close: async () => {} }
  const registry = await startTestRegistry()
  const image = `localhost/maxcloud-guide-nginx:${process.pid}`
  await buildNginxImage(image)
  const names = ["nginx:latest", "nginx:1.27"]
  for (const name of names) await registry.push(image, `library/${name}`)
  return {
    environment: registry.environment,
    isThere: true,
    close: async () => {
      const all = [image, ...names.map((name) => `docker.io/library/${name}`)]
      execFileSync("podman", ["image", "rm", "--force", "--ignore", ...all], { stdio: "ignore" })
      await registry[Symbol.asyncDispose]()
    }
  }
}

/** The command lines of programs that contain the folder's path: its server, its database, its apps. */
const commandsNaming = (folder: string): ReadonlyArray<string> =>
  execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .split("\n")
    .filter((text) => text.includes(folder))

type Check = ForeignFolder["check"]

const checkUrls = async (line: string, output: string, check: Check) => {
  for (const url of urlsIn(output)) {
    const answer = await get(new URL(url))
    check(`guide: ${url} responds after "${line}"`, answer.startsWith("200 "), answer)
  }
}

/** Runs a line of the shell. Ctrl-C stops programs that keep running, except the server. */
const runLine = async (line: string, session: TerminalSession, servers: Set<Running>, check: Check) => {
  const [, isUp] = lasting.find(([pattern]) => pattern.test(line)) ?? []
  if (isUp === undefined) {
    const { code, output } = await session.run(line)
    check(`guide: ${line}`, code === 0, output)
    if (/ (?:deploy|list)\b/.test(line)) await checkUrls(line, output, check)
    return
  }
  const running = session.start(line)
  const output = await running.until(isUp)
  check(`guide: ${line}`, true, output)
  if (/ server\b/.test(line)) return void servers.add(running)
  await checkUrls(line, output, check)
  const { code, output: whole } = await running.interrupt()
  check(`guide: Ctrl-C stops "${line}"`, code === 0 || code === 130, `${code}\n${whole}`)
}

const runBlock = async (
  block: Block,
  session: TerminalSession,
  servers: Set<Running>,
  hasImages: boolean,
  check: Check
) => {
  if (block.language !== "sh") {
    check(
      `guide: the sentence before a block of ${block.language} names its file`,
      block.file !== undefined,
      block.text
    )
    return writeFileSync(session.path(block.file ?? "unnamed"), block.text)
  }
  for (const line of block.text.split("\n").map((text) => text.trim())) {
    if (line === "" || line.startsWith("#")) continue
    const needsImages = /-f app\.yaml|nginx|myapp/.test(line)
    if (needsImages && !hasImages) console.log(`not run: ${line}`)
    else await runLine(line, session, servers, check)
  }
}

/** Runs the getting-started guide word for word, in an empty folder and a terminal. Only the packages come from this machine. */
export const checkGuide = async ({ check, env, outside, tarballs }: ForeignFolder) => {
  if (!existsSync("/usr/bin/script")) return console.log("not run: the guide (missing: script, of util-linux)")
  const folder = outside("guide")
  const registry = await startNpmRegistry(tarballs())
  const images = await startImages()
  const npmrc = join(outside("guide-settings"), "npmrc")
  const own = join(homedir(), ".npmrc")
  const settings = existsSync(own) ? readFileSync(own, "utf8") : ""
  writeFileSync(npmrc, `${settings}\n@maxcloud:registry=${registry.url}/\n`, { mode: 0o600 })
  const { CI: _, ...shell } = env
  const session = makeTerminalSession(
    folder,
    {
      ...shell,
      ...images.environment,
      ...(await portSettings()),
      npm_config_userconfig: npmrc,
      XDG_CONFIG_HOME: outside("guide-config")
    },
    join(outside("guide-settings"), "folder"),
    answers
  )
  const servers = new Set<Running>()
  try {
    const blocks = blocksOf(readFileSync(join(root, guide), "utf8"))
    check("guide: it has blocks of code", blocks.length >= 8, String(blocks.length))
    for (const block of blocks) await runBlock(block, session, servers, images.isThere, check)
    for (const server of servers) {
      const { code, output } = await server.interrupt()
      check("guide: Ctrl-C stops the server", code === 0 || code === 130, `${code}\n${output}`)
    }
    const left = commandsNaming(folder)
    check("guide: nothing is left running", left.length === 0, left.join("\n"))
  } catch (error) {
    check("guide: it completes", false, error instanceof Error ? error.message : String(error))
  } finally {
    await session.close()
    await images.close()
    await registry.close()
  }
}
