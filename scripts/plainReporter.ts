import { writeFileSync } from "node:fs"
import { relative } from "node:path"
import type { Reporter, TestModule } from "vitest/node"

/**
 * Prints the skipped tests and one plain line with totals at the end of a run. In CI a skipped test is a failure. Writes the names of
 * failed files to the file `MAXCLOUD_TESTS_FAILED`, one on each line.
 */
export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    const skipped: Array<string> = []
    for (const module of modules) {
      if (module.state() === "failed" && [...module.children.allTests()].length === 0) count.failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        count[state] += 1
        if (state === "skipped") skipped.push(`${relative(process.cwd(), module.moduleId)}: ${test.fullName}`)
      }
    }
    const { MAXCLOUD_TESTS_FAILED: file } = process.env
    if (file !== undefined) {
      writeFileSync(
        file,
        modules.flatMap((module) => (module.ok() ? [] : [`${relative(process.cwd(), module.moduleId)}\n`])).join("")
      )
    }
    // After the output of all other reporters.
    process.once("exit", () => {
      for (const name of skipped) console.log(`skipped: ${name}`)
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
    if (process.env.CI === "true" && skipped.length > 0) {
      console.error("tests: in CI no test may be skipped")
      process.exitCode = 1
    }
  }
}
