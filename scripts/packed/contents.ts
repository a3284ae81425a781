import { homedir } from "node:os"
import { billFile, licensesFile } from "../sbom/writeBills.ts"
import { type ForeignFolder, root } from "./ForeignFolder.ts"

/** Checks that a tarball contains everything that a user needs, and no paths of this machine. */
export const checkContents = ({ check, run, tarballs }: ForeignFolder) => {
  for (const tarball of tarballs()) {
    const name = tarball.split("/").at(-1) ?? tarball
    const listed = run("tar", ["-tzf", tarball])
    const files = listed.stdout.trim().split("\n")
    const ofBundle = /-(server|cli)-/.test(name) ? [`dist/${licensesFile}`] : []
    for (const file of ["README.md", "LICENSE", "package.json", `dist/${billFile}`, ...ofBundle]) {
      check(`${name} has ${file}`, files.includes(`package/${file}`), listed.output)
    }
    const tests = files.filter((file) => /\.test\.|\/(src|test|bench)\/|layerTest|\.tsbuildinfo|\.map$/.test(file))
    check(`${name} has no tests and no sources`, tests.length === 0, tests.join("\n"))
    const text = run("tar", ["-xzOf", tarball], { maxBuffer: 2 ** 28 }).stdout
    const paths = [root, homedir()].filter((value) => value !== "/" && text.includes(`${value}/`))
    check(`${name} has no paths of this machine`, paths.length === 0, paths.join("\n"))
    const manifest = run("tar", ["-xzOf", tarball, "package/package.json"]).stdout
    check(`${name} refers to no workspace`, !/"(workspace|catalog|link|file):/.test(manifest), manifest)
  }
}
