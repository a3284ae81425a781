import { expect, it } from "vitest"
import { knownPort } from "./imagePort.ts"

it("knows the official images that listen on port 80, however they are written", () => {
  for (const image of [
    "nginx",
    "nginx:latest",
    "docker.io/library/nginx:1.27",
    `httpd@sha256:${"0".repeat(64)}`,
    "traefik/whoami:v1"
  ]) {
    expect([image, knownPort(image)]).toEqual([image, 80])
  }
  for (const image of [
    "nginxinc/nginx-unprivileged",
    "ghcr.io/acme/nginx",
    "localhost:5000/nginx",
    "node:24",
    "whoami"
  ]) {
    expect([image, knownPort(image)]).toEqual([image, undefined])
  }
})
