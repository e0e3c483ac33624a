import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';

/** A document of a manifest; tests read what they expect to be there. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: any;
  [member: string]: unknown;
}

export interface Kustomization {
  resources: string[];
  patches?: { path: string }[];
  images?: { name: string; newName?: string; newTag?: string }[];
  configMapGenerator?: { name: string; literals: string[] }[];
}

/** A folder with a kustomization.yaml. */
export class KustomizeFolder {
  readonly kustomization: Kustomization;

  constructor(readonly path: string) {
    this.kustomization = parse(readFileSync(join(path, 'kustomization.yaml'), 'utf8')) as Kustomization;
  }

  /** The other files of the folder. */
  get files(): string[] {
    return readdirSync(this.path).filter((file) => file !== 'kustomization.yaml');
  }

  /** The documents of a file of the folder. */
  read(file: string): Manifest[] {
    return manifestsIn(readFileSync(join(this.path, file), 'utf8'));
  }

  /** All documents of its resources, without those of other folders. */
  get resources(): Manifest[] {
    return this.kustomization.resources.filter((file) => file.endsWith('.yaml')).flatMap((file) => this.read(file));
  }

  get patches(): Manifest[] {
    return (this.kustomization.patches ?? []).flatMap(({ path }) => this.read(path));
  }

  /** The values of the generated ConfigMap of this name. */
  settings(name: string): Record<string, string> {
    const literals = this.kustomization.configMapGenerator?.find((map) => map.name === name)?.literals ?? [];
    return Object.fromEntries(literals.map((literal) => literal.split('=', 2) as [string, string])); // NAME=value
  }
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/**
 * Checks manifests of built-in kinds against the published types of Kubernetes. @returns the errors of the TypeScript compiler.
 */
export function typeErrors(manifests: readonly Manifest[]): string[] {
  const file = join(process.cwd(), 'manifests.ts');
  const text = manifests
    .map((manifest, index) => {
      const module = `kubernetes-types/${typesOf(manifest.apiVersion)}`;
      return `export const manifest${index}: import('${module}').${manifest.kind} = ${JSON.stringify(manifest, null, 1)};`;
    })
    .join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    noLib: false,
    lib: ['lib.es5.d.ts'],
    types: [],
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => path === file || disk.fileExists(path),
    readFile: (path) => (path === file ? text : disk.readFile(path)),
    getSourceFile: (path, version) =>
      path === file ? ts.createSourceFile(file, text, version) : disk.getSourceFile(path, version),
  };
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText, start }) => {
    const near = text.slice(0, start ?? 0).split('\n').length;
    return `${ts.flattenDiagnosticMessageText(messageText, ' ')} (near: ${text.split('\n')[near - 1]?.trim() ?? ''})`;
  });
}

/** `networking.k8s.io/v1` → `networking/v1`, `v1` → `core/v1` */
function typesOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.replace(/\.k8s\.io/, '') : `core/${apiVersion}`;
}
