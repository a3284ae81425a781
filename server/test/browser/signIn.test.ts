import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Locator, Page } from "playwright-core"
import * as besideServer from "../../src/base/database/besideServer.ts"
import { asServer } from "../../src/base/database/RowScope.ts"
import { startServer } from "../policy/accountServer.ts"
import { chromiumPath, faultsOf, launch } from "./chromium.ts"
import { openMailbox } from "./mailbox.ts"

const program = join(import.meta.dirname, "../../../cli/src/main.ts")
const home = mkdtempSync(join(tmpdir(), "maxcloud-browser-"))

describe.skipIf(chromiumPath === undefined)("the pages under /auth in a browser", () => {
  let server: Awaited<ReturnType<typeof startServer>>
  let mailbox: Awaited<ReturnType<typeof openMailbox>>
  let browser: Awaited<ReturnType<typeof launch>>
  const children: Array<ChildProcess> = []

  beforeAll(async () => {
    mailbox = await openMailbox()
    const mail = { mail: undefined, mailFrom: "max-cloud <cloud@example.com>", smtpUrl: Redacted.make(mailbox.url) }
    ;[server, browser] = await Promise.all([startServer(mail), launch()])
  }, 120_000)
  afterAll(async () => {
    for (const child of children) child.kill("SIGTERM")
    await browser?.close()
    await server?.stop()
    await mailbox?.close()
    rmSync(home, { recursive: true, force: true })
  }, 60_000)

  /** Runs `maxcloud …` as a person on a separate machine. */
  const maxcloud = (person: string, ...args: ReadonlyArray<string>) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: {
        PATH: process.env["PATH"],
        NO_COLOR: "1",
        MAXCLOUD_API_URL: server.url,
        XDG_CONFIG_HOME: join(home, person),
        NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache")
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    children.push(child)
    let output = ""
    const told: Array<(output: string) => void> = []
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
      for (const tell of told) tell(output)
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    const ended = new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
      child.on("close", (code) => resolve({ code, output }))
    })
    return {
      ended,
      says: (pattern: RegExp) =>
        new Promise<string>((resolve, reject) => {
          const look = (output: string) => {
            const match = pattern.exec(output)
            if (match !== null) resolve(match[1] ?? match[0])
          }
          told.push(look)
          look(output)
          void ended.then(({ output }) => reject(new Error(`it exited without ${pattern}:\n${output}`)))
        })
    }
  }

  const register = async (name: string) => {
    const email = `${name}@example.com`
    const { status, body, text } = await server.request("POST", "/api/v1/auth/register", {
      body: { email, organization: name }
    })
    expect([status, body], text).toStrictEqual([202, { state: "mailed", email }])
    return { email, link: await mailbox.link(email) }
  }

  /** Opens the mailed link, so that the account exists. */
  const registered = async (name: string) => {
    const { email, link } = await register(name)
    const token = new URL(link).searchParams.get("token")
    const { status, text } = await server.request("POST", "/api/v1/auth/verify", { body: { token } })
    expect(status, text).toBe(200)
    return { email }
  }

  const startDevice = async (clientName: string) => {
    const { body } = await server.request("POST", "/api/v1/auth/device", { body: { clientName } })
    return { deviceCode: String(body["deviceCode"]), userCode: String(body["userCode"]) }
  }
  const poll = async (deviceCode: string) =>
    (await server.request("POST", "/api/v1/auth/device/token", { body: { deviceCode } })).body["state"]

  const sql = (statement: (sql: SqlClient) => Effect.Effect<unknown, unknown>) =>
    Effect.flatMap(SqlClient, statement).pipe(
      asServer,
      Effect.provide(besideServer.layer(server.dataDir)),
      Effect.runPromise
    )

  const textOf = async (element: Locator) => (await element.textContent()) ?? ""
  const heading = (page: Page) => textOf(page.locator("h1"))
  const problem = (page: Page) => textOf(page.getByRole("alert"))

  it("the link of the first start creates the first account, in German, and a wrong name gets a message at its field", async () => {
    const { complaints, context, page } = await browser.open({ locale: "de-DE" })
    const path = new URL(server.bootstrapUrl ?? expect.unreachable("no link"))
    await page.goto(`${server.url}${path.pathname}${path.search}`)
    expect(await heading(page)).toBe("Willkommen bei max-cloud")
    const faults = [...(await faultsOf(page, "bootstrap"))]
    await page.getByLabel("E-Mail-Adresse").fill("erste@example.com")
    await page.getByLabel("Name der Organisation").fill("Groß & klein")
    await page.getByRole("button", { name: "Anlegen" }).click()
    const field = page.getByLabel("Name der Organisation")
    expect(await page.evaluate("document.activeElement.name")).toBe("organization")
    expect(await field.getAttribute("aria-invalid")).toBe("true")
    const about = `#${await field.getAttribute("aria-describedby")}`
    expect(await textOf(page.locator(about))).toContain("Kleinbuchstaben")
    expect(await page.getByLabel("E-Mail-Adresse").inputValue()).toBe("erste@example.com")
    faults.push(...(await faultsOf(page, "bootstrap-refused")))
    await field.fill("erste")
    await page.keyboard.press("Enter")
    await page.getByText("gehört Ihnen").waitFor()
    const { mail } = await mailbox.find("erste@example.com", /Melden Sie sich an mit/)
    expect(mail.headers.get("subject")).toBe("Ihre Organisation „erste“ bei max-cloud")
    faults.push(...(await faultsOf(page, "bootstrap-done")))
    expect([...faults, ...complaints]).toStrictEqual([])
    await context.close()
  })

  it.concurrent("`maxcloud auth login` can be approved with the keyboard alone, after a wrong code", async () => {
    const { email } = await registered("ada")
    const login = maxcloud("ada", "auth", "login", "--no-browser")
    const at = await login.says(/open (\S+)\n/)
    const userCode = await login.says(/enter the code (\S+)/)
    const { complaints, context, page } = await browser.open()
    const type = async (text: string) => {
      await page.keyboard.type(text)
      await page.keyboard.press("Enter")
    }
    await page.goto(at)
    expect(await heading(page)).toBe("Sign in")
    const faults = [...(await faultsOf(page, "sign-in"))]
    await type(email)
    await page.getByLabel("Code").waitFor()
    faults.push(...(await faultsOf(page, "code")))
    await type("BBBB-BBBB")
    expect(await problem(page)).toContain("This code is wrong")
    expect(await page.getByLabel("Code").getAttribute("aria-describedby")).toBe("problem")
    faults.push(...(await faultsOf(page, "code-wrong")))
    await type((await mailbox.code(email)).toLowerCase().replace("-", " "))
    await page.getByText("Enter the code that the program shows").waitFor()
    faults.push(...(await faultsOf(page, "device-code")))
    await type("CCCC-CCCC")
    expect(await problem(page)).toContain("This code is unknown")
    faults.push(...(await faultsOf(page, "device-code-wrong")))
    await type(userCode)
    await page.getByRole("button", { name: "Approve" }).waitFor()
    faults.push(...(await faultsOf(page, "device")))
    expect(await textOf(page.locator("main"))).toContain(userCode)
    expect(await textOf(page.locator("main"))).toContain("The request came from the network address 127.0.0.1 (")
    // The only organization is preselected; the next stop is the button, which shows that it is reached.
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    const focused = await page.evaluate(
      "[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]"
    )
    expect(focused).toStrictEqual(["Approve", "solid"])
    await page.keyboard.press("Enter")
    await page.getByText("Approved.").waitFor()
    faults.push(...(await faultsOf(page, "device-done")))
    const { code, output } = await login.ended
    expect(code, output).toBe(0)
    expect(output).toContain("as ada@example.com, organization ada (owner)")
    expect([...faults, ...complaints]).toStrictEqual([])
    await context.close()
  }, 120_000)

  /** A signed-in browser, at the page it was sent to. */
  const signedIn = async (name: string, userCode: string, options: Parameters<typeof browser.open>[0] = {}) => {
    const { email } = await registered(name)
    const opened = await browser.open(options)
    await opened.page.goto(`${server.url}/auth/device?user_code=${userCode}`)
    await opened.page.locator("input[name=email]").fill(email)
    await opened.page.locator("button[value=email]").click()
    return { ...opened, email }
  }

  it.concurrent("no page needs scripts, a button pressed twice acts once, and going back shows no stale form", async () => {
    const { deviceCode, userCode } = await startDevice("a program")
    const { complaints, context, email, page } = await signedIn("grace", userCode, { javaScriptEnabled: false })
    await page.locator("input[name=code]").fill(await mailbox.code(email))
    await page.locator("button[value=code]").dblclick()
    await page.getByText("wants to sign in as you").waitFor()
    await page.getByRole("button", { name: "Approve" }).dblclick()
    await page.getByText("Approved.").waitFor()
    expect(await poll(deviceCode)).toBe("granted")
    await page.goBack()
    expect(await textOf(page.locator("main"))).not.toContain("wants to sign in as you")
    await page.goForward()
    await page.getByText("Approved.").waitFor()
    await page.reload()
    await page.getByText("Approved.").waitFor()
    expect(complaints).toStrictEqual([])
    await context.close()
  })

  it("an expired code gets a message, and a way to continue", async () => {
    const { deviceCode, userCode } = await startDevice("a program")
    const { context, email, page } = await signedIn("linus", userCode)
    const late = await mailbox.code(email)
    await sql(
      (one) => one`
        update one_time_tokens set expires_at = now() - interval '1 second'
        where user_id = (select id from users where email = ${email})`
    )
    await page.locator("input[name=code]").fill(late)
    await page.locator("button[value=code]").click()
    expect(await problem(page)).toContain("has expired")
    await page.getByRole("button", { name: "Use another address" }).click()
    await page.getByLabel("Email address").fill(email)
    await page.getByRole("button", { name: "Send code" }).click()
    await page.getByLabel("Code").fill(await mailbox.code(email))
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByRole("button", { name: "Deny" }).waitFor()
    await sql(
      (one) =>
        one`update device_authorizations set expires_at = now() - interval '1 second' where user_code = ${userCode}`
    )
    await page.getByRole("button", { name: "Approve" }).click()
    expect(await problem(page)).toContain("valid for ten minutes")
    expect(await faultsOf(page, "device-late")).toStrictEqual([])
    expect(await poll(deviceCode)).toBe("expired")
    await context.close()
  })

  it("mailed links confirm and join by their button, and report a second use", async () => {
    const asking = maxcloud("joan", "auth", "register", "--email", "joan@example.com", "--org", "joan")
    await asking.says(/check the inbox of joan@example.com/)
    expect((await asking.ended).code).toBe(0)
    const verify = await mailbox.link("joan@example.com")
    const { complaints, context, page } = await browser.open({ viewport: { width: 1280, height: 800 } })
    const faults: Array<string> = []
    await page.goto(verify)
    faults.push(...(await faultsOf(page, "verify")))
    await page.getByRole("button", { name: "This is my address" }).click()
    await page.getByText("joan@example.com is confirmed").waitFor()
    await page.goto(verify)
    await page.getByRole("button").click()
    expect(await problem(page)).toContain("once")
    faults.push(...(await faultsOf(page, "verify-used")))
    // Again, now that the address has an account: the same answer, and a mail that says so.
    const again = await server.request("POST", "/api/v1/auth/register", {
      body: { email: "joan@example.com", organization: "joan-too" }
    })
    expect([again.status, again.body]).toStrictEqual([202, { state: "mailed", email: "joan@example.com" }])
    await mailbox.find("joan@example.com", /already has an account/)
    const login = maxcloud("joan", "auth", "login", "--no-browser")
    const userCode = await login.says(/enter the code (\S+)/)
    await page.goto(`${server.url}/auth/device?user_code=${userCode}`)
    await page.getByLabel("Email address").fill("joan@example.com")
    await page.keyboard.press("Enter")
    await page.getByLabel("Code").fill(await mailbox.code("joan@example.com"))
    await page.keyboard.press("Enter")
    await page.getByRole("button", { name: "Approve" }).click()
    expect((await login.ended).output).toContain("organization joan (owner)")
    const inviting = maxcloud("joan", "auth", "invites", "create", "--email", "mary@example.com", "--role", "viewer")
    expect((await inviting.ended).code).toBe(0)
    await page.goto(await mailbox.link("mary@example.com"))
    faults.push(...(await faultsOf(page, "invite")))
    await page.getByRole("button", { name: "Accept" }).click()
    await page.getByText("You are now a member of “joan” as viewer").waitFor()
    faults.push(...(await faultsOf(page, "invite-done")))
    expect([...faults, ...complaints]).toStrictEqual([])
    await context.close()
  })

  it("other sites can't show them in a frame, or send their forms", async () => {
    const elsewhere = createServer((_, response) => {
      response.setHeader("content-type", "text/html")
      response.end(
        `<title>elsewhere</title><iframe src="${server.url}/auth/sign-in"></iframe><form method="post" action="${server.url}/auth/sign-in"><input name="step" value="again"><button>Win</button></form>`
      )
    })
    await new Promise<void>((resolve) => void elsewhere.listen(0, "127.0.0.1", () => resolve()))
    try {
      const address = elsewhere.address() as AddressInfo
      const { context, page } = await browser.open()
      await page.goto(`http://localhost:${address.port}/`)
      const [, framed] = page.frames()
      expect(await (framed ?? expect.unreachable("no frame")).content()).not.toContain("form_token")
      const answer = page.waitForResponse((each) => each.request().method() === "POST")
      await page.getByRole("button", { name: "Win" }).click()
      expect((await answer).status()).toBe(403)
      await context.close()
    } finally {
      elsewhere.closeAllConnections()
      elsewhere.close()
    }
  })
})
