import { expect, it } from "@effect/vitest"
import { Redacted } from "effect"
import { ownFilesOf } from "./ownFiles.ts"

const none = { masterKey: undefined, masterKeyFile: undefined, vaultAddress: undefined }
const whats = (settings: Parameters<typeof ownFilesOf>[0]) => ownFilesOf(settings).map(({ what }) => what)

it("names what a server keeps in its data folder, of what the servers of a cluster share", () => {
  expect(whats({ logs: "folder", ...none })).toEqual(["the logs of services", "the master key"])
  expect(whats({ logs: "s3", ...none })).toEqual(["the master key"])
  expect(whats({ logs: "folder", ...none, masterKeyFile: "/key" })).toEqual(["the logs of services"])
  expect(whats({ logs: "loki", ...none, masterKey: Redacted.make(new Uint8Array(32)) })).toEqual([])
  expect(whats({ logs: "s3", ...none, vaultAddress: "https://bao.example.com" })).toEqual([])
})
