import type { ApiClient, ApiResponse, CallOptions } from './api.client';

/** Calls of the operations on property definitions, of organizations by default. */
export class PropertyCalls {
  constructor(
    readonly caller: ApiClient,
    private readonly object = 'organization',
  ) {}

  create(body: unknown, options: CallOptions = {}): Promise<ApiResponse> {
    return this.call('POST', '', { ...options, body });
  }

  patch(id: string, body: unknown, options: CallOptions = {}): Promise<ApiResponse> {
    return this.call('PATCH', `/${id}`, { ...options, body });
  }

  remove(id: string, query = ''): Promise<ApiResponse> {
    return this.call('DELETE', `/${id}${query}`);
  }

  createOption(id: string, body: unknown, options: CallOptions = {}): Promise<ApiResponse> {
    return this.call('POST', `/${id}/options`, { ...options, body });
  }

  patchOption(id: string, option: string, body: unknown, options: CallOptions = {}): Promise<ApiResponse> {
    return this.call('PATCH', `/${id}/options/${option}`, { ...options, body });
  }

  removeOption(id: string, option: string, query = ''): Promise<ApiResponse> {
    return this.call('DELETE', `/${id}/options/${option}${query}`);
  }

  /** The definition with this slug, as the list of definitions has it. */
  async find(slug: string): Promise<any> {
    const { body } = await this.call('GET', '');
    return Object.values<any>(body[this.object]).find((definition) => definition.slug === slug);
  }

  /** Creates a property. @returns its definition */
  async define(body: object): Promise<any> {
    const { status, text, body: definition } = await this.create(body);
    if (status !== 201) throw new Error(`create responded ${status}: ${text}`);
    return definition;
  }

  private call(method: string, rest: string, options: CallOptions = {}): Promise<ApiResponse> {
    return this.caller.call(method, this.caller.path(`${this.object}/properties${rest}`), options);
  }
}
