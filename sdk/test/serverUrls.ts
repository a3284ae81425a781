/** Valid URLs of servers. */
export const goodServerUrls: ReadonlyArray<string> = [
  "http://127.0.0.1:8080",
  "https://cloud.example.com",
  "HTTPS://cloud.example.com/behind/",
  "http://[::1]:1"
]

/** Invalid URLs of servers. */
export const badServerUrls: ReadonlyArray<string> = [
  "",
  "no sense",
  "cloud.example.com",
  "localhost:8080",
  "//cloud.example.com",
  "ftp://cloud.example.com",
  "http:",
  "http:cloud.example.com",
  "https:/cloud.example.com",
  "http://",
  "http://:8080",
  "http://cloud.example.com:99999",
  "http://cloud.example.com:port",
  "http://cloud example.com",
  "http://cloud.example.com/a b",
  "https://cloud.example.com?stage=x",
  "https://cloud.example.com?",
  "https://cloud.example.com#top",
  "javascript:alert(1)",
  "file:///etc/passwd"
]
