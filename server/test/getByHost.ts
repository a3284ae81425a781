import { request } from "node:http"

/**
 * Requests a service of the local runtime. Node doesn't resolve `*.localhost` to this machine, and `fetch` sets `Host` itself.
 */
export const getByHost = (url: string) =>
  new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve, reject) => {
    const { host, port } = new URL(url)
    request({ host: "127.0.0.1", port, headers: { host } }, async (response) => {
      let text = ""
      for await (const chunk of response.setEncoding("utf8")) text += chunk
      resolve({ status: response.statusCode, text })
    })
      .on("error", reject)
      .end()
  })
