package model
import ("testing";"os";"bufio";"encoding/json";"strings"
"github.com/goccy/go-yaml/ast";"github.com/goccy/go-yaml/lexer";"github.com/goccy/go-yaml/parser";"github.com/goccy/go-yaml/token")
func dump(t *yamlTree, n ast.Node) any {
 switch n := t.resolve(n).(type) {
 case *ast.SequenceNode: l:=[]any{}; for _, x := range n.Values { l=append(l, dump(t,x)) }; return l
 case *ast.MappingNode: m:=map[string]any{}; for _, p := range n.Values { m[p.Key.GetToken().Value]=dump(t,p.Value) }; return m
 case *ast.LiteralNode: return map[string]any{"~broken":1}
 case *ast.StringNode: if isBroken(n.Token) {return map[string]any{"~broken":1}}; return n.Value
 case *ast.NullNode: if n.Token.Type==token.ImplicitNullType {return ""}; return n.Token.Value
 default: return n.GetToken().Value
 }
}
func one(text string) (any, string) {
 if f := scanYAMLText([]byte(text)); f != nil { return nil, f.Error() }
 text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
 tokens := lexer.Tokenize(text)
 if f := scanYAMLTokens(tokens); f != nil { return nil, f.Error() }
 if f := checkYAMLCover(text, tokens); f != nil { return nil, "COVER "+f.Error() }
 file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
 if err != nil { return nil, yamlError(err).Error() }
 if len(file.Docs)!=1 { return nil, "docs" }
 tree := &yamlTree{anchors: map[string]*anchor{}, targets: map[*ast.AliasNode]ast.Node{}}
 if _, f := tree.walk(file.Docs[0].Body, 0, 1); f != nil { return nil, f.Error() }
 if _, ok := tree.resolve(file.Docs[0].Body).(*ast.MappingNode); !ok { return nil, "no mapping" }
 return dump(tree, file.Docs[0].Body), ""
}
func TestZZ(t *testing.T){
 in,_ := os.Open("/tmp/yaml.in"); out,_ := os.Create("/tmp/yaml.out"); w:=bufio.NewWriter(out)
 sc := bufio.NewScanner(in); sc.Buffer(nil, 1<<20)
 for sc.Scan() { var s string; json.Unmarshal(sc.Bytes(), &s); v, e := one(s); b,_ := json.Marshal(map[string]any{"v":v,"e":e}); w.Write(b); w.WriteByte('\n') }
 w.Flush()
}
