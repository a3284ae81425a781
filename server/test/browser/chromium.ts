import { join } from "node:path"
import axe from "axe-core"
import { Schema } from "effect"
import { type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { findTool } from "../registry/missingTools.ts"

/** Debian's browser; undefined, with a message, if this machine doesn't have it. */
export const chromiumPath = findTool("chromium")
if (chromiumPath === undefined) console.warn("Not run here: pages in a browser (missing: chromium)")

/** A folder for screenshots of the pages, for people to look at. */
const pictures = process.env["MAXCLOUD_TEST_PICTURES"]

const decodeViolations = Schema.decodeUnknownSync(Schema.Array(Schema.String))

/** A phone's width: what fits there fits anywhere. */
const phone = { width: 360, height: 740 }

/** A browser in which each page belongs to a separate person. */
export const launch = async () => {
  const browser = await chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: ["--no-sandbox"]
  })

  /** `complaints`: messages on the browser's console, except those about refused pages. */
  const open = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ viewport: phone, locale: "en-US", ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(25_000)
    const complaints: Array<string> = []
    page.on("console", (message) => {
      const text = message.text()
      if (message.type() !== "log" && !/Failed to load resource.* status of 4\d\d/.test(text)) complaints.push(text)
    })
    page.on("pageerror", (error) => complaints.push(error.message))
    return { context, page, complaints }
  }
  return { open, close: () => browser.close() }
}

/**
 * axe's findings about the page (WCAG 2.2 A and AA, and good practice), light and dark, and whether it is wider than the window.
 */
export const faultsOf = async (page: Page, name: string): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = []
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    // The second check repeats findings that don't concern colours.
    const look = colorScheme === "light" ? `${axe.source};axe.run({})` : 'axe.run({runOnly:["color-contrast"]})'
    const found: unknown = await page.evaluate(
      `${look}.then(({violations})=>violations.map(_=>_.id+" ("+_.impact+"): "+_.nodes.map(_=>_.html).join(" ")))`
    )
    faults.push(...decodeViolations(found).map((decodeViolation) => `${name}, ${colorScheme}: ${decodeViolation}`))
    if (pictures !== undefined) {
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true })
    }
  }
  const wider = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
  return wider === true ? [...faults, `${name}: wider than the window`] : faults
}
