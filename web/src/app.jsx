import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { connect, status } from './stream/client.js';
import { start } from './data/studies.js';
import { asking, refused, token } from './data/token.js';
import { href, route } from './route.js';
import { dark, toggleTheme } from './theme.js';
import { Confirm, Modal, Notices } from './ui/dialog.jsx';
import { Icon } from './ui/icon.jsx';
import { StudiesPage } from './pages/studies.jsx';
import { StudyPage } from './pages/study.jsx';
import { WorkersPage } from './pages/workers.jsx';
import { DatasetsPage } from './pages/datasets.jsx';

const LIVE = {
    connecting: 'Connecting',
    live: 'Live',
    offline: 'Offline, trying again',
    token: 'Token needed',
};

function Header({ page }) {
    const link = (name, text) => (
        <a href={href([name])} aria-current={page === name ? 'page' : undefined}>
            {text}
        </a>
    );
    return (
        <header class="top">
            <a class="brand" href={href(['studies'])}>
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <rect width="32" height="32" rx="8" />
                    <path d="M6 24 12 15l5 4 9-12" />
                    <circle cx="26" cy="7" r="3.2" />
                </svg>
                <span>tunerd</span>
            </a>
            <nav aria-label="Main">
                {link('studies', 'Studies')}
                {link('workers', 'Workers')}
                {link('datasets', 'Data sets')}
            </nav>
            <span class={`live is-${status.value}`} role="status">
                <i aria-hidden="true" />
                {LIVE[status.value]}
            </span>
            <button
                class="icon-button"
                aria-label={dark.value ? 'Light theme' : 'Dark theme'}
                title={dark.value ? 'Light theme' : 'Dark theme'}
                onClick={toggleTheme}
            >
                <Icon name={dark.value ? 'sun' : 'moon'} />
            </button>
        </header>
    );
}

function TokenDialog() {
    const [text, setText] = useState('');
    const submit = (event) => {
        event.preventDefault();
        if (text.trim()) token.value = text.trim();
    };
    return (
        <Modal title="This coordinator asks for a token" onClose={() => {}}>
            <form onSubmit={submit}>
                <p>
                    It stands in the file given to tunerd as <code>--token-file</code>. It is kept
                    in this tab only.
                </p>
                <label class="field">
                    <span>Token</span>
                    <input
                        type="password"
                        autocomplete="off"
                        autofocus
                        value={text}
                        onInput={(event) => setText(event.target.value)}
                    />
                </label>
                {refused.value && (
                    <p class="fault" role="alert">
                        That token was not accepted.
                    </p>
                )}
                <div class="modal-actions">
                    <button class="button is-primary">Continue</button>
                </div>
            </form>
        </Modal>
    );
}

const PAGES = { workers: WorkersPage, datasets: DatasetsPage };

function App() {
    const [page = 'studies', name] = route.value.path;
    const main = useRef();
    useEffect(() => {
        if (!name) document.title = 'tunerd';
        scrollTo(0, 0);
    }, [page, name]);
    const Page = PAGES[page] ?? StudiesPage;
    return (
        <>
            <a
                class="skip"
                href="#main"
                onClick={(event) => {
                    event.preventDefault();
                    main.current.focus();
                }}
            >
                Skip to content
            </a>
            <Header page={page} />
            <main ref={main} id="main" tabindex="-1">
                {page === 'studies' && name ? <StudyPage key={name} name={name} /> : <Page />}
            </main>
            <Confirm />
            {asking.value && <TokenDialog key={token.value} />}
            <Notices />
        </>
    );
}

connect();
start();
render(<App />, document.getElementById('app'));
