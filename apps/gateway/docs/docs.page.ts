import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { Injectable } from '@nestjs/common';

interface PageFile {
  type: string;
  content: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
};

const FROM_SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** Runs in the browser. With `validatorUrl: null`, Swagger UI does not send the document to a validation service. */
const INIT = `
window.addEventListener('load', () => {
  window.ui = SwaggerUIBundle({
    url: 'openapi.json',
    dom_id: '#page',
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
});
`;

const STYLE = `
body { margin: 0; background: #fafafa; }
.swagger-ui .info { margin: 32px 0 16px; }
.swagger-ui .scheme-container { padding: 12px 0; box-shadow: none; border-bottom: 1px solid #e4e4e4; }
`;

/** Swagger UI from its npm package, and the page that shows the document with it. The files are in memory. */
@Injectable()
export class DocsPage {
  readonly html: Buffer;
  private readonly files = readPageFiles();

  constructor() {
    this.html = Buffer.from(this.renderHtml());
  }

  file(name: string): PageFile | undefined {
    return this.files.get(name);
  }

  private renderHtml(): string {
    const address = (name: string): string => `docs/${name}?v=${this.versionOf(name)}`;
    return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Prism gateway</title>
    <link rel="icon" type="image/png" href="${address('favicon-32x32.png')}">
    <link rel="stylesheet" href="${address('swagger-ui.css')}">
    <link rel="stylesheet" href="${address('page.css')}">
  </head>
  <body>
    <div id="page"></div>
    <script src="${address('swagger-ui-bundle.js')}"></script>
    <script src="${address('init.js')}"></script>
  </body>
</html>
`;
  }

  /** A hash of the content, so that browsers can cache the file indefinitely. */
  private versionOf(name: string): string {
    const content = this.files.get(name)?.content ?? '';
    return createHash('sha256').update(content).digest('hex').slice(0, 12);
  }
}

function readPageFiles(): ReadonlyMap<string, PageFile> {
  const folder = dirname(require.resolve('swagger-ui-dist/package.json'));
  const contents: [string, Buffer][] = [
    ...FROM_SWAGGER_UI.map((name): [string, Buffer] => [name, readFileSync(join(folder, name))]),
    ['init.js', Buffer.from(INIT)],
    ['page.css', Buffer.from(STYLE)],
  ];
  return new Map(contents.map(([name, content]) => [name, { type: TYPES[extname(name)] ?? '', content }]));
}
