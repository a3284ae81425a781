import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeTerminalSession, type TerminalSession } from "../packed/TerminalSession.ts"
import { docsFolder } from "./sidebar.ts"
import { terminalPicture, withoutChance } from "./terminalPicture.ts"

const root = join(docsFolder, "..")
const columns = 112
const prompt = "\u001b[2m$\u001b[22m "

const config = `import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(() => {
  const api = service("api", { source: "./api" })
  const web = service("web", { source: "./web", env: { API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
`

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.on("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

/** A port with as many digits as the one in the pictures, so that columns stay aligned. */
const freePort = async (): Promise<number> => {
  for (let port = 8080; port < 9000; port++) if (await isFree(port)) return port
  throw new Error("No port between 8080 and 9000 is free. Stop a program that listens on one.")
}

/** An app with two services, in a folder like a reader's. */
const makeFolder = () => {
  const home = mkdtempSync(join(tmpdir(), "mcp-"))
  // A server that runs as root starts services as other users. They need access to the folder.
  chmodSync(home, 0o755)
  const folder = join(home, "shop")
  mkdirSync(join(folder, "node_modules/@maxcloud"), { recursive: true })
  for (const name of ["sdk", "cli"]) symlinkSync(join(root, name), join(folder, "node_modules/@maxcloud", name))
  for (const name of ["api", "web"]) cpSync(join(root, "examples/shop", name), join(folder, name), { recursive: true })
  writeFileSync(join(folder, "maxcloud.config.ts"), config)
  return { home, folder }
}

const edit = (file: string, from: string, to: string) => {
  const text = readFileSync(file, "utf8")
  if (!text.includes(from)) throw new Error(`${file} doesn't have ${from}`)
  writeFileSync(file, text.replaceAll(from, to))
}

const get = (port: number, host: string) =>
  new Promise<void>((resolve) => {
    request({ host: "127.0.0.1", port, headers: { host } }, (response) => {
      response.resume().on("end", resolve)
    })
      .on("error", () => resolve())
      .end()
  })

interface Stage {
  readonly folder: string
  readonly port: number
  readonly session: TerminalSession
  /** The command that runs the reader's command line here. */
  readonly line: (words: string) => string
  readonly save: (name: string, title: string, written: string) => Promise<void>
}

/** Runs commands one after the other, and draws the terminal's content afterwards. */
const draw = async (stage: Stage, name: string, title: string, ...commands: ReadonlyArray<string>) => {
  let written = ""
  for (const command of commands) {
    const running = stage.session.start(stage.line(command))
    await running.ended
    written += `${written === "" ? "" : "\r\n"}${prompt}npx maxcloud ${command}\r\n${running.written()}`
  }
  await stage.save(name, title, written)
}

const drawDeployments = async (stage: Stage) => {
  const file = join(stage.folder, "maxcloud.config.ts")
  const server = stage.session.start(stage.line(`server --port ${stage.port}`))
  await server.until(/max-cloud listens on/)
  await draw(stage, "deploy", "maxcloud deploy builds two services and prints their URLs", "deploy", "list")

  edit(file, '"./api" }', '"./api", env: { CURRENCY: "EUR" }, scale: { max: 20 } }')
  await draw(stage, "plan", "maxcloud plan shows what a deployment would change", "plan")

  edit(file, "scale:", "scle:")
  await draw(stage, "config-error", "A mistake in the config, with its place and the fix", "deploy")

  edit(file, "scle:", "scale:")
  edit(join(stage.folder, "api/server.js"), "process.env.PORT", "3000")
  await draw(stage, "diagnosis", "A service that listens on the wrong port, with its fix", "deploy --fail-fast")
  edit(join(stage.folder, "api/server.js"), "3000", "process.env.PORT")
  await server.interrupt()
}

const drawDev = async (stage: Stage) => {
  const command = stage.session.start(stage.line(`dev --port ${stage.port}`))
  await command.until(/web\s+ready\s+http/)
  await get(stage.port, `web--shop--dev--local.localhost:${stage.port}`)
  await command.until(/GET \/products/)
  edit(join(stage.folder, "web/server.js"), "Shop", "Our shop")
  await command.until(/web listens on[\s\S]*web listens on/)
  await stage.save(
    "dev",
    "maxcloud dev starts an app, and replaces a service when its file is saved",
    `${prompt}npx maxcloud dev\r\n${command.written()}`
  )
  await command.interrupt()
}

/** Draws `docs/pictures/` by running the real program on this machine: a server, a terminal, two services. */
export const drawPictures = async (): Promise<void> => {
  const { folder, home } = makeFolder()
  const port = await freePort()
  const env = {
    ...process.env,
    MAXCLOUD_API_URL: `http://127.0.0.1:${port}`,
    XDG_CONFIG_HOME: home,
    XDG_STATE_HOME: home
  }
  const session = makeTerminalSession(folder, env, join(home, "cwd"), [])
  const pictures = join(docsFolder, "pictures")
  mkdirSync(pictures, { recursive: true })
  const stage: Stage = {
    folder,
    port,
    session,
    line: (words) => `stty cols ${columns} rows 50; "${process.execPath}" "${join(root, "cli/src/main.ts")}" ${words}`,
    save: async (name, title, written) => {
      const text = withoutChance(written, [
        [folder, "~/shop"],
        [String(port), "8080"]
      ])
      writeFileSync(join(pictures, `${name}.svg`), await terminalPicture(title, text, columns))
      console.log(`docs: drew docs/pictures/${name}.svg`)
    }
  }
  try {
    await drawDeployments(stage)
    await drawDev(stage)
  } finally {
    await session.close()
    rmSync(home, { recursive: true, force: true })
  }
}
